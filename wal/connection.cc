#include "wal/connection.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/frame_repair.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

Connection::Connection(std::shared_ptr<Log> log)
    : log_(std::move(log)), state_(log_->state()), transaction_(&log_->appender()) {}

Connection::~Connection() {
  if (writing_) Undo();
  ReleaseWriteLock();
  EndRead();
  if (slot_ != nullptr) state_.readers.Unregister(slot_);
}

absl::StatusOr<bool> Connection::BeginRead() {
  if (reading_) return false;
  const FrameNo wait_for = std::exchange(wait_for_, FrameNo(0));
  if (!holds_write_lock_ && wait_for > state_.commits->visible_frame()) {
    state_.commits->WaitVisible(wait_for).IgnoreError();  // of one that was given up
  }
  for (;;) {
    // Who holds the write lock goes on from what nobody waits for any more but its own committer.
    const bool newest = holds_write_lock_ && !state_.commits->failed();
    const CommitPoint snapshot = newest ? state_.commits->appended() : state_.commits->visible();
    const absl::StatusOr<bool> changed = BeginReadAt(snapshot);
    if (!absl::IsNotFound(changed.status())) return changed;
  }
}

// What other processes committed is not in the index yet.
absl::Status Connection::CatchUpTo(FrameNo frame) {
  return state_.index->tip() >= frame ? absl::OkStatus() : log_->CatchUp();
}

absl::StatusOr<bool> Connection::BeginReadAt(const CommitPoint& snapshot, bool keeps_log) {
  if (slot_ == nullptr) {
    STRATA_ASSIGN_OR_RETURN(slot_, state_.readers.Register());
  }
  STRATA_RETURN_IF_ERROR(CatchUpTo(snapshot.frame));
  if (!state_.readers.Begin(slot_, snapshot.frame, keeps_log)) {
    return absl::NotFoundError(
        absl::StrCat("frame ", snapshot.frame.value(), " has been checkpointed past"));
  }
  snapshot_ = snapshot;
  reading_ = true;
  RefreshFiles();
  const bool changed = !last_snapshot_.has_value() || last_snapshot_->frame != snapshot.frame;
  snapshot_before_ = std::exchange(last_snapshot_, snapshot);
  return changed;
}

bool Connection::ChangedPages(uint64_t limit, absl::FunctionRef<void(PageNo)> changed) const {
  if (!snapshot_before_.has_value() || snapshot_before_->frame > snapshot_.frame) return false;
  if (snapshot_.frame.value() - snapshot_before_->frame.value() > limit) return false;
  return state_.index->ForEachPage(snapshot_before_->frame, snapshot_.frame, changed);
}

void Connection::RefreshFiles() {
  if (files_ != nullptr && files_version_ == state_.files.version()) return;
  files_version_ = state_.files.version();
  files_ = state_.files.list();
}

void Connection::EndRead() {
  if (!reading_) return;
  state_.readers.End(slot_);
  reading_ = false;
}

FrameNo Connection::FindFrame(PageNo page) const {
  const FrameNo own = transaction_.Find(page);
  return own != FrameNo(0) ? own : state_.index->Find(page, snapshot_.frame);
}

absl::Status Connection::ReadFrame(FrameNo frame, io::MutableBytes page) {
  // A rollback that cannot read a page again leaves the rolled-back one in the cache.
  auto doubt = absl::MakeCleanup([this] { DoubtCache(); });
  STRATA_RETURN_IF_ERROR(ReadFrameAnywhere(frame, page));
  std::move(doubt).Cancel();
  return absl::OkStatus();
}

// What is visible is in a file. The holder of the write lock looks first for what others have just
// committed: a copy in memory is cheaper.
bool Connection::MayBeUnwritten(FrameNo frame) const {
  return holds_write_lock_ || frame > state_.commits->visible_frame();
}

absl::Status Connection::ReadFrameAnywhere(FrameNo frame, io::MutableBytes page) {
  if (frame > snapshot_.frame) return log_->appender().ReadOpen(frame, page).status();
  if (MayBeUnwritten(frame) && log_->appender().ReadKept(frame, page).ok()) return absl::OkStatus();
  if (files_version_ != state_.files.version()) {
    // A file whose sync failed may have been replaced since; one that was removed is in the old
    // list alone.
    if (ReadLogFrame(*state_.files.list(), frame, page).ok()) return absl::OkStatus();
  }
  const absl::Status status = ReadLogFrame(*files_, frame, page).status();
  if (status.ok()) return status;
  // Another process may have written it to a new file, because a sync of this one failed.
  const bool caught_up = log_->CatchUp().ok();
  if (caught_up && ReadLogFrame(*state_.files.list(), frame, page).ok()) return absl::OkStatus();
  return RepairFrame(state_, frame, status, page);
}

FrameNo Connection::last_frame() const {
  if (!reading_) return state_.commits->visible_frame();
  return writing_ && holds_write_lock_ ? transaction_.last() : snapshot_.frame;
}

absl::StatusOr<segment::FrameHeader> Connection::ReadLogged(FrameNo frame, io::MutableBytes page) {
  if (frame > last_frame())
    return absl::NotFoundError(absl::StrCat("frame ", frame.value(), " is not in the log yet"));
  STRATA_RETURN_IF_ERROR(CatchUpTo(std::min(frame, state_.commits->visible_frame())));
  if (reading_ && frame > snapshot_.frame) return log_->appender().ReadOpen(frame, page);
  if (MayBeUnwritten(frame)) {
    const absl::StatusOr<segment::FrameHeader> kept = log_->appender().ReadKept(frame, page);
    if (kept.ok()) return kept;
  }
  const absl::StatusOr<segment::FrameHeader> header =
      ReadLogFrame(*state_.files.list(), frame, page);
  if (header.ok() || frame > state_.index->floor()) return header;
  return absl::NotFoundError(
      absl::StrCat("frame ", frame.value(), " has been checkpointed and left the log"));
}

WriteLock::Outcome Connection::LockForWrite(int64_t timeout_us,
                                            const std::function<bool()>& interrupted) {
  if (holds_write_lock_) return WriteLock::Outcome::kAcquired;
  const WriteLock::Outcome outcome = state_.write_lock.Acquire(timeout_us, interrupted);
  holds_write_lock_ = outcome == WriteLock::Outcome::kAcquired;
  // What comes of it is told when something is written.
  if (holds_write_lock_ && state_.commits->failed()) log_->Revive().IgnoreError();
  return outcome;
}

void Connection::UnlockForWrite() {
  if (!may_append_) ReleaseWriteLock();
}

void Connection::ReleaseWriteLock(WriteLock::Next next) {
  if (!holds_write_lock_) return;
  holds_write_lock_ = false;
  state_.write_lock.Release(next);
}

absl::Status Connection::BeginWrite() {
  if (may_append_) return absl::OkStatus();
  if (log_->read_only()) return absl::PermissionDeniedError("the database is read-only");
  const bool held = holds_write_lock_;
  const WriteLock::Outcome locked = LockForWrite(0, nullptr);
  if (locked == WriteLock::Outcome::kFailed) return lock_failure();
  if (locked != WriteLock::Outcome::kAcquired)
    return absl::UnavailableError("another connection is writing");
  auto release = absl::MakeCleanup([&] {
    if (!held) ReleaseWriteLock();
  });
  if (held && state_.commits->failed()) STRATA_RETURN_IF_ERROR(log_->Revive());
  STRATA_RETURN_IF_ERROR(state_.commits->failure());
  STRATA_RETURN_IF_ERROR(log_->CheckRoom());
  const CommitPoint tip = state_.commits->appended();
  if (tip.frame != snapshot_.frame) {
    wait_for_ = tip.frame;
    // A commit that is not visible yet makes no snapshot stale: its writer is still at it, as one
    // who keeps SQLite's lock until he has synced.
    if (snapshot_.frame == state_.commits->visible_frame())
      return absl::UnavailableError("another connection is committing");
    return absl::AbortedError("the snapshot is not the last commit any more");
  }
  std::move(release).Cancel();
  started_from_ = tip;
  transaction_.Begin(tip);
  writing_ = may_append_ = true;
  return absl::OkStatus();
}

absl::Status Connection::Write(uint32_t page_size, absl::Span<const PageRef> pages, bool commit,
                               uint32_t database_pages, Durability durability) {
  STRATA_RETURN_IF_ERROR(state_.commits->failure());
  STRATA_RETURN_IF_ERROR(BeginNext());
  STRATA_RETURN_IF_ERROR(log_->PrepareToWrite(page_size));
  if (durability != Durability::kOff) STRATA_RETURN_IF_ERROR(log_->OweSyncs());
  if (transaction_.pages().empty()) log_->RestartCountsIfEmpty();
  if (!commit) {
    STRATA_RETURN_IF_ERROR(transaction_.Spill(pages));
    return BoundUnsynced(durability);
  }
  STRATA_RETURN_IF_ERROR(transaction_.Commit(pages, database_pages, durability));
  may_append_ = false;
  const CommitPoint committed = state_.commits->appended();
  // One who has nothing to wait for keeps it until he ends, as SQLite does: whoever read before
  // this commit and now wants to write finds the lock taken, seldom his snapshot stale.
  if (MustWait(committed.frame) || state_.options.commits_wait_for_store)
    ReleaseWriteLock(WriteLock::Next::kWaits);
  log_->NoteCommit();
  STRATA_RETURN_IF_ERROR(state_.commits->WaitVisible(committed.frame));
  if (state_.options.commits_wait_for_store)
    STRATA_RETURN_IF_ERROR(log_->WaitStoredAfterCommit(committed.frame, interrupted_));
  snapshot_ = committed;
  last_snapshot_ = snapshot_;
  state_.readers.Advance(slot_, snapshot_.frame);
  RefreshFiles();
  BoundUnsynced(durability).IgnoreError();  // this commit stands; the next one is told
  return absl::OkStatus();
}

// The commit gave the write lock back. SQLite's pager ends its transaction then; libSQL's goes on
// where it takes over the frames of a replica.
absl::Status Connection::BeginNext() {
  if (may_append_) return absl::OkStatus();
  writing_ = false;
  transaction_.End();
  return BeginWrite();
}

bool Connection::HasManyUnsynced() const {
  return log_->appender().unsynced_bytes() > state_.options.unsynced_bytes;
}

bool Connection::MustWait(FrameNo committed) const {
  return state_.commits->visible_frame() < committed || HasManyUnsynced();
}

absl::Status Connection::BoundUnsynced(Durability durability) {
  if (!HasManyUnsynced()) return absl::OkStatus();
  if (durability != Durability::kOff) {
    const absl::Status synced = state_.commits->SyncNow();
    return absl::IsUnavailable(synced) ? absl::OkStatus() : synced;  // the new owner's
  }
  log_->appender().DropUnsyncedCopies();
  return absl::OkStatus();
}

std::vector<PageNo> Connection::Undo() {
  if (!may_append_) return {};
  std::vector<PageNo> pages = transaction_.TakeBack();
  transaction_.Begin(started_from_);
  snapshot_ = started_from_;
  last_snapshot_ = started_from_;  // the pager drops the pages of the transaction, and no others
  return pages;
}

absl::Status Connection::EndWrite() {
  if (!writing_) {
    ReleaseWriteLock();
    return absl::OkStatus();
  }
  writing_ = false;
  const bool committed = !std::exchange(may_append_, false);
  if (!committed) transaction_.TruncateTo(0);
  transaction_.End();
  ReleaseWriteLock(committed ? WriteLock::Next::kGoesOn : WriteLock::Next::kWaits);
  return state_.commits->WaitVisible(started_from_.frame);
}

}  // namespace strata::wal
