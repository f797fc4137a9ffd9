#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "wal/log.h"
#include "wal/write_transaction.h"

namespace strata::wal {

// One connection to a log: a snapshot to read, and at times the write lock. One thread at a time.
class Connection {
 public:
  explicit Connection(std::shared_ptr<Log> log);
  ~Connection();

  Log& log() { return *log_; }

  // Asked while a commit waits for the store; true: it shall wait no longer.
  void set_interrupted(std::function<bool()> interrupted) { interrupted_ = std::move(interrupted); }

  // Takes a snapshot: of the last visible commit, or of the last appended one with the write lock
  // held. Returns whether it differs from the connection's last one.
  absl::StatusOr<bool> BeginRead();
  // The same of an older commit that is still whole; NotFound when a checkpoint has passed it.
  // `keeps_log`: see ReaderRegistry::Begin.
  absl::StatusOr<bool> BeginReadAt(const CommitPoint& snapshot, bool keeps_log = false);
  void EndRead();
  bool reading() const { return reading_; }
  const CommitPoint& snapshot() const { return snapshot_; }

  // A frame with the page as this connection sees it; 0: read the database file.
  segment::FrameNo FindFrame(segment::PageNo page) const;
  absl::Status ReadFrame(segment::FrameNo frame, io::MutableBytes page);

  // Tells the pages, at most `limit`, that may have another content in this snapshot than in the
  // one before it. False: there are more, or it is not known which.
  bool ChangedPages(uint64_t limit, absl::FunctionRef<void(segment::PageNo)> changed) const;

  // The last frame that this connection may see: of its snapshot and its own open transaction; of
  // the last visible commit outside of a read transaction.
  segment::FrameNo last_frame() const;
  // A frame of the log by number, whichever page it is of. NotFound: after last_frame(), or gone
  // because a checkpoint has passed it.
  absl::StatusOr<segment::FrameHeader> ReadLogged(segment::FrameNo frame, io::MutableBytes page);

  // The write lock before the snapshot. Nothing when it is held already.
  WriteLock::Outcome LockForWrite(int64_t timeout_us, const std::function<bool()>& interrupted);
  void UnlockForWrite();
  bool holds_write_lock() const { return holds_write_lock_; }

  // Why LockForWrite answered kFailed.
  absl::Status lock_failure() const { return state_.write_lock.failure(); }

  // Aborted: the snapshot is not the last commit any more (SQLITE_BUSY_SNAPSHOT). Unavailable:
  // another connection writes. Others: the log does not take writes.
  absl::Status BeginWrite();

  // Appends pages to the transaction; with `commit`, ends it and waits until it is as durable as
  // asked. The database has `database_pages` pages then. After a commit the next pages begin a
  // transaction of their own, with the errors of BeginWrite.
  absl::Status Write(uint32_t page_size, absl::Span<const PageRef> pages, bool commit,
                     uint32_t database_pages, Durability durability);

  // Pages of the frames that Undo takes back.
  absl::Span<const segment::PageNo> written_pages() const { return transaction_.pages(); }
  // Takes the transaction back, without needing memory; returns its pages, for the pager's cache.
  std::vector<segment::PageNo> Undo();
  // The pager's cache may hold what no snapshot has: the next one counts as changed.
  void DoubtCache() { last_snapshot_.reset(); }
  uint64_t savepoint() const { return transaction_.pages().size(); }
  void UndoToSavepoint(uint64_t savepoint) { transaction_.TruncateTo(savepoint); }

  // Gives the write lock back; waits until what the transaction started from is durable at its
  // committer's level.
  absl::Status EndWrite();

 private:
  void RefreshFiles();
  bool MayBeUnwritten(segment::FrameNo frame) const;
  absl::Status ReadFrameAnywhere(segment::FrameNo frame, io::MutableBytes page);
  absl::Status BeginNext();
  absl::Status BoundUnsynced(Durability durability);
  bool HasManyUnsynced() const;
  // Whether the commit at `committed` is followed by waiting for the disk.
  bool MustWait(segment::FrameNo committed) const;
  absl::Status CatchUpTo(segment::FrameNo frame);
  void ReleaseWriteLock(WriteLock::Next next = WriteLock::Next::kWaits);

  const std::shared_ptr<Log> log_;
  LogState& state_;
  ReaderRegistry::Slot* slot_ = nullptr;  // taken by the first read
  WriteTransaction transaction_;

  std::function<bool()> interrupted_;
  bool reading_ = false;
  CommitPoint snapshot_;
  std::optional<CommitPoint> last_snapshot_;
  std::optional<CommitPoint> snapshot_before_;
  std::shared_ptr<const LogFiles::List> files_;
  uint64_t files_version_ = 0;

  bool holds_write_lock_ = false;
  bool writing_ = false;
  bool may_append_ = false;  // since BeginWrite, until a commit
  CommitPoint started_from_;
  segment::FrameNo wait_for_;  // the next snapshot must not be older
};

}  // namespace strata::wal
