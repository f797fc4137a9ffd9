#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/log.h"

namespace strata::wal {

using segment::FrameNo;

absl::Status Log::Close(bool may_checkpoint, bool may_remove, const CheckpointWatcher& watcher) {
  if (store_ != nullptr) {  // also what the background has under way
    const int64_t until =
        state_.environment.clock->MonotonicMicros() + state_.options.close_ship_us;
    state_.give_up_at_us.store(until, std::memory_order_relaxed);
    store_->GiveUpAt(until);
  }
  maintenance_.Stop();
  const absl::StatusOr<bool> last = state_.attachment->PrepareToLeave();
  absl::Status status = last.status();
  if (last.ok()) status = *last ? CloseLast(may_checkpoint, may_remove, watcher) : LeaveToOthers();
  state_.attachment->Leave();
  return status;
}

// They have their threads; what this process acknowledged is durable when it goes.
absl::Status Log::LeaveToOthers() {
  appender_.spares().DropAll();
  absl::Status status;
  if (ownership_.owned() && state_.write_lock.TryAcquireForBackground()) {
    if (!maintenance_.off_only()) status = state_.commits->SyncNow();
    ownership_.HandOver();
    state_.write_lock.Release();
  }
  state_.attachment->RingOthers();
  return status;
}

absl::Status Log::CloseLast(bool may_checkpoint, bool may_remove,
                            const CheckpointWatcher& watcher) {
  if (place_.read_only) {
    RemoveWhatReadersMade();
    return absl::OkStatus();
  }
  STRATA_ASSIGN_OR_RETURN(const bool named, state_.attachment->IsNamed());
  if (!named) {
    state_.environment.logger->Log(
        io::Severity::kWarning,
        absl::StrCat(state_.directory,
                     ": was deleted while it was open; what is there is another"));
    return absl::OkStatus();
  }
  if (!state_.write_lock.TryAcquireForBackground()) {
    STRATA_RETURN_IF_ERROR(state_.write_lock.failure());
    return absl::UnavailableError(absl::StrCat(state_.directory, ": somebody writes to it"));
  }
  const absl::Status status = CloseOwned(may_checkpoint, may_remove, watcher);
  state_.write_lock.Release();
  return status;
}

// A reader may have come first, and nobody wrote. What cannot be removed is another user's.
void Log::RemoveWhatReadersMade() {
  if (state_.attachment->is_alone_for_good()) return;
  io::FileSystem& files = *state_.environment.files;
  const auto names = files.List(state_.directory);
  if (!names.ok() || *names != std::vector<std::string>{kLockName, kSharedName}) return;
  for (const char* name : {kSharedName, kLockName}) {
    if (!files.Unlink(absl::StrCat(state_.directory, "/", name)).ok()) return;
  }
  files.RemoveDirectory(state_.directory).IgnoreError();
}

absl::Status Log::CloseOwned(bool may_checkpoint, bool may_remove,
                             const CheckpointWatcher& watcher) {
  if (!has_identity()) return may_remove ? RemoveDirectory() : absl::OkStatus();
  STRATA_RETURN_IF_ERROR(revival_.Run());
  const FrameNo tip = state_.commits->appended().frame;
  absl::Status copied;
  if (may_checkpoint) copied = Checkpoint(tip, !maintenance_.off_only(), true, watcher);
  if (!copied.ok() && !absl::IsCancelled(copied)) return copied;
  if (shipper_.has_store()) {
    io::MutexLock lock(&state_.maintenance);
    shipper_.WriteHint();
  }
  FrameNo shipped;
  {
    io::MutexLock lock(&state_.append_mutex);
    shipped = state_.progress.shipped;
  }
  const bool arrived = state_.index->floor() == tip && (!shipper_.has_store() || shipped == tip);
  if (arrived && may_remove) {
    if (shipper_.has_store()) STRATA_RETURN_IF_ERROR(WriteCleanState());
    return RemoveDirectory();
  }
  if (may_checkpoint) {
    state_.environment.logger->Log(
        io::Severity::kWarning,
        absl::StrCat(state_.directory, ": stays, because not all of it is in the database file",
                     shipper_.has_store() ? absl::StrCat(" and in ", state_.identity.store) : ""));
  }
  const absl::Status synced =
      state_.commits->WaitSynced(maintenance_.off_only() ? FrameNo(0) : tip);
  return synced.ok() ? copied : synced;
}

absl::Status Log::WriteCleanState() {
  STRATA_ASSIGN_OR_RETURN(const io::FileInfo info, state_.environment.files->Stat(place_.database));
  const CommitPoint tip = state_.commits->appended();
  CleanState clean;
  clean.last_frame = tip.frame;
  clean.database_pages = tip.database_pages;
  clean.commit_time_us = tip.time_us;
  {
    io::MutexLock lock(&state_.append_mutex);
    clean.digest = state_.progress.sealed_digest;
  }
  clean.file_size = info.size;
  clean.inode = info.inode;
  clean.modified_ns = info.modified_ns;
  clean.changed_ns = info.changed_ns;
  return WriteOutside(clean);
}

absl::Status Log::WriteOutside(const CleanState& clean) {
  Identity identity = state_.identity;
  identity.clean = clean;
  return WriteIdentity(*state_.environment.files, StrataPath(), identity, state_.ownership);
}

// The newest file goes last, and only when the others are durably gone: it holds the mark that says
// that all is in the database file.
absl::Status Log::RemoveDirectory() {
  io::FileSystem& files = *state_.environment.files;
  if (!state_.files.list()->empty()) {
    STRATA_RETURN_IF_ERROR(appender_.BeginTransaction());
    STRATA_RETURN_IF_ERROR(appender_.AppendMark());
    if (!maintenance_.off_only()) STRATA_RETURN_IF_ERROR(state_.commits->SyncNow());
  }
  std::string newest;
  {
    io::MutexLock lock(&state_.append_mutex);
    if (state_.current != nullptr) newest = state_.current->path();
  }
  STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(state_.directory));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(state_.directory, "/", name);
    const bool log_file = ParseSegmentFileName(name) != 0 || absl::EndsWith(name, ".tmp");
    if (log_file && path != newest) STRATA_RETURN_IF_ERROR(files.Unlink(path));
  }
  STRATA_RETURN_IF_ERROR(files.SyncDirectory(state_.directory));
  if (!newest.empty()) STRATA_RETURN_IF_ERROR(files.Unlink(newest));
  if (std::find(names.begin(), names.end(), kIdentityName) != names.end()) {
    STRATA_RETURN_IF_ERROR(files.SyncDirectory(state_.directory));
    STRATA_RETURN_IF_ERROR(files.Unlink(IdentityPath()));
  }
  if (std::find(names.begin(), names.end(), kLedgerName) != names.end())
    STRATA_RETURN_IF_ERROR(files.Unlink(absl::StrCat(state_.directory, "/", kLedgerName)));
  if (std::find(names.begin(), names.end(), kSharedName) != names.end())
    STRATA_RETURN_IF_ERROR(files.Unlink(absl::StrCat(state_.directory, "/", kSharedName)));
  STRATA_RETURN_IF_ERROR(files.Unlink(absl::StrCat(state_.directory, "/", kLockName)));
  STRATA_RETURN_IF_ERROR(files.RemoveDirectory(state_.directory));
  return files.SyncDirectory(io::DirectoryOf(state_.directory));
}

}  // namespace strata::wal
