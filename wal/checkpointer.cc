#include "wal/checkpointer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/digest.h"
#include "wal/frame_repair.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

namespace {
constexpr uint64_t kSyncEveryBytes = 8 << 20;
}

absl::StatusOr<io::File*> Checkpointer::database() {
  if (database_ == nullptr) {
    STRATA_ASSIGN_OR_RETURN(database_, open_database_());
  }
  return database_.get();
}

FrameNo Checkpointer::Allowed(FrameNo limit, bool sync) {
  FrameNo allowed = std::min({limit, state_.commits->visible_frame(), state_.index->tip()});
  if (sync) allowed = std::min(allowed, state_.commits->synced());
  if (state_.store != nullptr) {
    io::MutexLock lock(&state_.append_mutex);
    allowed = std::min(allowed, state_.progress.sealed);
  }
  return state_.readers.OldestSnapshot(allowed);
}

absl::StatusOr<FrameNo> Checkpointer::Run(FrameNo limit, bool sync,
                                          const CheckpointWatcher& watcher) {
  STRATA_RETURN_IF_ERROR(CheckSyncs());
  const FrameNo from = state_.index->floor();
  const FrameNo allowed = Allowed(limit, sync);
  if (allowed <= from) return from;
  const FrameNo to = state_.readers.LimitCheckpoint(allowed);
  if (to <= from) return from;
  STRATA_ASSIGN_OR_RETURN(const CommitPoint commit, CommitAt(to));
  STRATA_ASSIGN_OR_RETURN(std::vector<LedgerPage> pages,
                          CopyPages(NewestVersions(from, commit), sync, watcher));
  STRATA_RETURN_IF_ERROR(Finish({from, commit, std::move(pages)}, sync));
  return to;
}

absl::StatusOr<FrameNo> Checkpointer::LastCopied(FrameNo from) {
  STRATA_ASSIGN_OR_RETURN(io::File * file, database());
  const auto list = state_.files.list();
  const uint64_t page_size = state_.identity.page_size;
  std::vector<uint8_t> logged(page_size);
  std::vector<uint8_t> stored(page_size);
  for (FrameNo frame = from; frame > state_.index->floor(); frame = frame.previous()) {
    const uint64_t page = state_.index->PageOf(frame).value();
    STRATA_RETURN_IF_ERROR(ReadOrRepairFrame(state_, *list, frame, absl::MakeSpan(logged)));
    STRATA_ASSIGN_OR_RETURN(const size_t read,
                            file->ReadAt((page - 1) * page_size, absl::MakeSpan(stored)));
    if (read == page_size && logged == stored) return frame;
  }
  return state_.index->floor();
}

absl::StatusOr<CommitPoint> Checkpointer::CommitAt(FrameNo frame) {
  std::vector<uint8_t> page(state_.identity.page_size);
  STRATA_ASSIGN_OR_RETURN(const segment::FrameHeader header,
                          ReadLogFrame(*state_.files.list(), frame, absl::MakeSpan(page)));
  if (!header.is_commit)
    return absl::InternalError(absl::StrCat("frame ", frame.value(), " is no commit"));
  return CommitPoint{frame, header.database_pages, header.commit_time_us};
}

// In page order, so that the database file is written from front to back.
std::vector<Checkpointer::Copy> Checkpointer::NewestVersions(FrameNo from, const CommitPoint& to) {
  std::vector<Copy> copies;
  for (FrameNo frame = to.frame; frame > from; frame = frame.previous()) {
    const PageNo page = state_.index->PageOf(frame);
    if (page.value() <= to.database_pages) copies.push_back({page, frame});
  }
  std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) {
    return a.page != b.page ? a.page < b.page : a.frame > b.frame;
  });
  const auto same_page = [](const Copy& a, const Copy& b) { return a.page == b.page; };
  copies.erase(std::unique(copies.begin(), copies.end(), same_page), copies.end());
  return copies;
}

// Synced now and then: commits have syncs to wait for, and a device that is given a GiB at once
// makes them wait for all of it.
absl::StatusOr<std::vector<LedgerPage>> Checkpointer::CopyPages(const std::vector<Copy>& copies,
                                                                bool sync,
                                                                const CheckpointWatcher& watcher) {
  STRATA_ASSIGN_OR_RETURN(io::File * file, database());
  const auto list = state_.files.list();
  const uint64_t page_size = state_.identity.page_size;
  std::vector<uint8_t> page(page_size);
  uint64_t unsynced = 0;
  std::vector<LedgerPage> written;
  written.reserve(copies.size());
  for (const Copy& copy : copies) {
    if (watcher.interrupted && watcher.interrupted()) return absl::CancelledError("interrupted");
    STRATA_RETURN_IF_ERROR(ReadOrRepairFrame(state_, *list, copy.frame, absl::MakeSpan(page)));
    written.push_back({copy.page, segment::PageHash(copy.page, page)});
    STRATA_RETURN_IF_ERROR(file->Write((copy.page.value() - 1) * page_size, page));
    state_.shared.database_unsynced.store(1);
    if (watcher.copied) STRATA_RETURN_IF_ERROR(watcher.copied(copy.frame, copy.page, page));
    unsynced += page_size;
    if (!sync || unsynced < kSyncEveryBytes) continue;
    STRATA_RETURN_IF_ERROR(SyncDatabase());
    unsynced = 0;
  }
  return written;
}

// A failed sync of the database file: no later one can be believed, in whatever process.
absl::Status Checkpointer::CheckSyncs() const {
  if (!poisoned_.ok() || state_.shared.database_failed.load() == 0) return poisoned_;
  return absl::UnknownError(
      absl::StrCat(state_.directory,
                   ": another process could not make the database file durable; it must be closed "
                   "by all"));
}

absl::Status Checkpointer::SyncDatabase() {
  STRATA_RETURN_IF_ERROR(CheckSyncs());
  if (state_.shared.database_unsynced.load() == 0) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(io::File * file, database());
  const absl::Status synced = file->Sync();
  if (!synced.ok()) {
    state_.shared.database_failed.store(1);
    poisoned_ =
        absl::Status(synced.code(),
                     absl::StrCat("the database file cannot be made durable: ", synced.message()));
    return poisoned_;
  }
  state_.shared.database_unsynced.store(0);
  return absl::OkStatus();
}

absl::Status Checkpointer::Finish(const LedgerCheckpoint& done, bool sync) {
  const CommitPoint to = done.to;
  STRATA_ASSIGN_OR_RETURN(io::File * file, database());
  const uint64_t bytes = static_cast<uint64_t>(to.database_pages) * state_.identity.page_size;
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > bytes) STRATA_RETURN_IF_ERROR(file->Truncate(bytes));
  state_.shared.database_unsynced.store(1);
  if (sync) STRATA_RETURN_IF_ERROR(SyncDatabase());
  WriteLedger(done);
  io::MutexLock lock(&state_.append_mutex);
  if (to.frame == state_.commits->appended().frame)
    state_.shared.readers.emptied.store(state_.readers.NextGeneration());
  state_.progress.checkpointed = to;
  state_.PublishProgress();
  state_.index->RaiseFloor(to.frame);
  state_.readers.Retire(state_.index->TakeRetired());
  return absl::OkStatus();
}

// Without it only copies cannot be checked, until the next checkpoint begins a new one.
void Checkpointer::WriteLedger(const LedgerCheckpoint& done) {
  io::FileSystem& files = *state_.environment.files;
  const std::string path = absl::StrCat(state_.directory, "/", kLedgerName);
  const absl::Status written =
      AppendToLedger(files, path, state_.ownership, state_.identity.log_id, done);
  if (written.ok()) return;
  state_.environment.logger->Log(io::Severity::kWarning, std::string(written.message()));
  files.Unlink(path).IgnoreError();
}

FrameNo Checkpointer::NeededAfter() const {
  state_.append_mutex.AssertHeld();
  const FrameNo checkpointed = state_.progress.checkpointed.frame;
  return state_.store == nullptr ? checkpointed : std::min(checkpointed, state_.progress.shipped);
}

// Asked of a log at rest only, as SQLite does when it starts its log again.
bool Checkpointer::IsOverSizeLimit() {
  const std::optional<uint64_t> limit = state_.SizeLimit();
  if (!limit.has_value()) return false;
  io::MutexLock lock(&state_.append_mutex);
  return NeededAfter() == state_.commits->appended().frame &&
         appender_.spares().AreTooLarge(*limit);
}

void Checkpointer::KeepToSizeLimit() {
  if (!IsOverSizeLimit()) return;
  appender_.spares().DropAll();
  if (IsOverSizeLimit()) appender_.CloseCurrent();
}

// Files, oldest first, of which no frame is needed any more; never the current one.
std::vector<std::shared_ptr<CurrentSegment>> Checkpointer::OldFiles() {
  io::MutexLock lock(&state_.append_mutex);
  const FrameNo keep_after = NeededAfter();
  std::vector<std::shared_ptr<CurrentSegment>> old;
  const auto list = state_.files.list();
  for (size_t i = 0; i < list->size() && (*list)[i] != state_.current; ++i) {
    const FrameNo next = i + 1 < list->size() ? (*list)[i + 1]->first_frame() : FrameNo(0);
    const FrameNo last = next == FrameNo(0) ? (*list)[i]->last_commit()
                                            : std::min((*list)[i]->last_commit(), next.previous());
    if (last > keep_after) break;
    old.push_back((*list)[i]);
  }
  return old;
}

absl::Status Checkpointer::RemoveOldFiles(const std::function<void()>& note_taken) {
  KeepToSizeLimit();
  std::vector<std::shared_ptr<CurrentSegment>> old = OldFiles();
  if (old.empty()) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(appender_.BeginTransaction());  // the mark needs a file that stays
  STRATA_RETURN_IF_ERROR(appender_.AppendMark());
  const uint64_t ownership = state_.commits->ownership();
  // Where others may ask for the log, it could change hands before the mark is durable.
  if (note_taken && state_.AloneInLog()) note_taken();
  STRATA_RETURN_IF_ERROR(state_.commits->SyncNow(ownership));
  ReaderRegistry::Garbage garbage;
  for (std::shared_ptr<CurrentSegment>& segment : old) {
    garbage.emplace_back(0, segment);
    STRATA_ASSIGN_OR_RETURN(const bool kept, appender_.spares().SetAside(*segment));
    if (!kept) {
      // It may have gone already: with a process that was killed in the middle of this.
      const absl::Status unlinked = state_.environment.files->Unlink(segment->path());
      if (!absl::IsNotFound(unlinked)) STRATA_RETURN_IF_ERROR(unlinked);
    }
    state_.shared.removed_below.store(segment->header().sequence + 1);
    state_.files.Remove(segment.get());
  }
  state_.readers.Retire(std::move(garbage));
  state_.readers.CollectGarbage();
  const absl::Status synced = state_.environment.files->SyncDirectory(state_.directory);
  if (synced.ok()) {
    appender_.spares().NoteSetAside();
  } else {
    appender_.spares().DropAll();  // their old names may come back
  }
  return synced;
}

}  // namespace strata::wal
