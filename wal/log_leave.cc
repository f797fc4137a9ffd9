#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/log.h"

// How a database leaves its store (`strata recover --leave-store`): before anything that the store
// has not got goes into the database file, app.db-strata says where the store's history ends, and
// then the identity that there is no store. From here on only the whole content counts, as of no
// frame.
namespace strata::wal {

absl::Status Log::LeaveStore() {
  if (state_.identity.store.empty()) return absl::OkStatus();
  CleanState left;
  {
    io::MutexLock lock(&state_.append_mutex);
    left.last_frame = state_.progress.shipped;
    left.digest = state_.progress.sealed_digest;
    const bool all = state_.progress.shipped == state_.commits->appended().frame;
    if (all) left.database_pages = state_.commits->appended().database_pages;
  }
  STRATA_RETURN_IF_ERROR(WriteOutside(left));
  state_.identity.store.clear();
  state_.identity.name_space.clear();
  return WriteIdentity(*state_.environment.files, IdentityPath(), state_.identity,
                       state_.ownership);
}

absl::StatusOr<bool> Log::HasLeftStore(const Identity& identity) {
  if (!identity.store.empty()) return false;
  const absl::StatusOr<Identity> outside = ReadIdentity(*state_.environment.files, StrataPath());
  if (absl::IsNotFound(outside.status())) return false;
  STRATA_RETURN_IF_ERROR(outside.status());
  return outside->log_id == identity.log_id && !outside->store.empty();
}

// Who only reads may have what is there; who may write finishes the leaving first, alone.
absl::Status Log::CheckHasNotLeft(const StoreAddress& store) {
  STRATA_ASSIGN_OR_RETURN(const bool left, HasLeftStore(state_.identity));
  if (!left) return CheckStore(store);
  if (place_.read_only) return absl::OkStatus();
  has_left_store_ = state_.attachment->is_first();
  return absl::UnavailableError(
      absl::StrCat(place_.database,
                   ": is leaving its store (strata recover --leave-store), and somebody reads it"));
}

absl::Status Log::FinishLeaving(const LogPlace& place, const Environment& environment,
                                const Options& options) {
  environment.logger->Log(
      io::Severity::kWarning,
      absl::StrCat(place.database, ": left its store, which was cut short; finishing it"));
  LogPlace alone = place;
  alone.alone = true;
  Options without_store = options;
  without_store.without_store = true;
  without_store.background = false;
  without_store.takeover = without_store.commits_wait_for_store = false;
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<Log> log,
                          Open(alone, {}, environment, without_store));
  const absl::Status closed = log->Close(true, true);
  if (!closed.ok()) {
    return absl::Status(
        closed.code(),
        absl::StrCat(place.database, ": left its store, and its log cannot be put into it (",
                     closed.message(), "); nothing is lost, and it can be read with mode=ro"));
  }
  const absl::Status there = environment.files->Stat(place.directory).status();
  if (absl::IsNotFound(there)) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(there);
  return absl::UnavailableError(
      absl::StrCat(place.directory, ": left its store, and is not in the database file yet"));
}

}  // namespace strata::wal
