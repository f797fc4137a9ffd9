#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "wal/log_state.h"
#include "wal/rewrite.h"
#include "wal/spare_files.h"

// The only one who writes to log files: frames, marks, syncs, and the replacement of a file whose
// sync failed.
namespace strata::wal {

// Appending calls belong to the holder of the write lock; Sync is CommitQueue's, from any thread.
class Appender {
 public:
  explicit Appender(LogState* state) : state_(*state), spares_(state) {}

  SpareFiles& spares() { return spares_; }

  // Before the first frame of a transaction: a file with room.
  absl::Status BeginTransaction();

  // Frames of the open transaction, numbered from `first`.
  absl::Status Append(segment::FrameNo first, absl::Span<const PageRef> pages);
  absl::Status Overwrite(segment::FrameNo frame, const PageRef& page);
  absl::StatusOr<segment::FrameHeader> ReadOpen(segment::FrameNo frame, io::MutableBytes page);
  // The newest frames, those that are not in a file yet among them, from memory; NotFound: it is in
  // a file.
  absl::StatusOr<segment::FrameHeader> ReadKept(segment::FrameNo frame, io::MutableBytes page);
  void Abandon(segment::FrameNo last);

  // The last frames of the transaction and its end. `pages_before`: pages of the frames appended
  // before, in order, for the index. On success the commit is announced to the queue with its
  // durability.
  absl::Status Commit(segment::FrameNo first, absl::Span<const PageRef> pages,
                      absl::Span<const segment::PageNo> pages_before, uint32_t database_pages,
                      Durability durability);

  // A record of the progress so far, behind the last commit; nothing when there is no file yet.
  absl::Status AppendMark();

  // Makes every byte of the log durable, oldest file first. When that fails, what is not known
  // durable is written to a new file; only when that fails too an error is returned, and the log
  // stops. Two may run at once, one through each handle. Cancelled: nothing was tried, because
  // there is no second handle.
  absl::Status Sync(SyncHandle handle = SyncHandle::kFirst);

  // Ends the current file; the next transaction starts a new one. Between transactions only.
  void CloseCurrent();

  // Bytes of frames that no sync covered yet, and of which copies are kept.
  uint64_t unsynced_bytes() const { return unsynced_bytes_.load(std::memory_order_relaxed); }

  // synchronous=OFF beyond the limit: lets the copies go.
  void DropUnsyncedCopies();

  // Where the log ends; end_offset 0: the next transaction starts a new file.
  LogPosition End();
  // The same, before another process takes over; lets copies of unsynced bytes go.
  LogPosition LetGo();
  // After another process, or this one, let go at `end`: frames above `synced` owe their sync.
  absl::Status Resume(const LogPosition& end, segment::FrameNo synced, bool others_wrote);

  // After recovery: writes a mark and frames (from, to] again, durably, so that nothing that a lost
  // write could take away is served. `from` is known durable.
  absl::Status RewriteRecovered(segment::FrameNo from, segment::FrameNo to);

  // Of a log that stopped (CommitQueue::failed), between transactions: writes what is visible and
  // not known durable to a new file, and makes the commits that were given up one that changes
  // nothing: `visible_pages` gives the pages as of the visible commit. The log takes writes then.
  // An error leaves everything as it was.
  absl::Status Revive(const PageSource& visible_pages);

 private:
  struct Syncing {
    std::shared_ptr<CurrentSegment> segment;
    uint64_t begun;
  };
  using SyncWork = absl::InlinedVector<Syncing, 8>;  // a sync needs no memory, commits wait for it

  LogPosition EndLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  void PublishNewFile() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status StartFile() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::StatusOr<std::shared_ptr<CurrentSegment>> CreateFile(const segment::SegmentHeader& header);
  // Appends to a new file by `write`, makes it durable, and has it be the current one.
  absl::Status GoOnInNewFile(const std::function<absl::Status(CurrentSegment*)>& write)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status Replace(const std::shared_ptr<CurrentSegment>& failed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::StatusOr<segment::FrameNo> LastGoodCommit(const CurrentSegment& failed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::StatusOr<segment::FrameNo> LastDurableCommit(segment::FrameNo visible)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  std::vector<segment::PageNo> GivenUpPages(segment::FrameNo visible) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  segment::MarkRecord Progressed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status Pad(CurrentSegment& segment, Placing placing = Placing::kNow);
  Placing PlacingOf(size_t frames, Durability durability) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  // *end: where the log ends then.
  absl::StatusOr<SyncWork> BeginSync(SyncHandle handle, LogPosition* end);
  absl::StatusOr<SyncWork> WriteAndBeginSync(SyncHandle handle);
  absl::Status WriteUnwritten(const Syncing& what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status MoveFrom(const std::shared_ptr<CurrentSegment>& failed, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);

  void CountUnsynced() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  void AddUnsynced(size_t frames) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);

  LogState& state_;
  SpareFiles spares_;
  io::Mutex write_mutex_;  // a sync covers what the syncs before it had to write
  std::atomic<uint64_t> unsynced_bytes_{0};
};

}  // namespace strata::wal
