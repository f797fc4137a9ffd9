#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/log.h"

// How a database leaves its store (`strata recover`): before anything that the store has not got
// goes into the database file, app.db-strata says where the store's history ends, and then the
// identity that there is no store. From here on only the whole content counts, as of no frame.
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

bool Log::HasLeftStore(const Identity& identity) {
  if (!identity.store.empty()) return false;
  const absl::StatusOr<Identity> outside = ReadIdentity(*state_.environment.files, StrataPath());
  return outside.ok() && outside->log_id == identity.log_id && !outside->store.empty();
}

absl::Status Log::FinishLeaving(const LogPlace& place, const Environment& environment,
                                const Options& options) {
  LogPlace alone = place;
  alone.alone = true;
  Options without_store = options;
  without_store.without_store = true;
  without_store.background = false;
  without_store.takeover = without_store.commits_wait_for_store = false;
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<Log> log,
                          Open(alone, {}, environment, without_store));
  STRATA_RETURN_IF_ERROR(log->Close(true, true));
  if (!environment.files->Stat(place.directory).ok()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(place.directory, ": left its store, and is not in the database file yet"));
}

}  // namespace strata::wal
