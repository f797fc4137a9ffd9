#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/file.h"
#include "wal/appender.h"
#include "wal/log_state.h"
#include "wal/page_ledger.h"

// Copies committed pages into the database file, and removes log files that nobody needs any more.
namespace strata::wal {

// Opens the database file for the checkpointer. The handle holds no lock; see docs/sqlite_fork.md
// on why the database file is only touched through SQLite's VFS.
using OpenDatabase = std::function<absl::StatusOr<std::unique_ptr<io::File>>()>;

// Of a checkpoint that somebody asked for. Both may be empty.
struct CheckpointWatcher {
  std::function<bool()> interrupted;  // asked before each page; true: Cancelled, nothing advances
  // Told of each page that is in the database file now, not yet durable; an error ends the
  // checkpoint.
  std::function<absl::Status(segment::FrameNo frame, segment::PageNo page, io::ByteView bytes)>
      copied;
};

// One call at a time (LogState::maintenance).
class Checkpointer {
 public:
  Checkpointer(LogState* state, Appender* appender, OpenDatabase open_database)
      : state_(*state), appender_(*appender), open_database_(std::move(open_database)) {}

  // Copies what can be copied: what is durable in the log, sealed when there is a store, and needed
  // by no older snapshot, and makes the database file durable. Without `sync`, where all commits
  // were synchronous=OFF, nothing is durable and nothing is made so. Returns the last frame that is
  // in the database file.
  absl::StatusOr<segment::FrameNo> Run(segment::FrameNo limit, bool sync,
                                       const CheckpointWatcher& watcher = {});

  // Durably notes the progress, then removes the log files whose frames are all checkpointed, and
  // shipped when there is a store; oldest first. When that is all of them and they are larger than
  // the log's size limit, it goes on in a new, empty one. The caller holds the write lock, which is
  // needed until `note_taken` is called, if it is. Unavailable: another process took the log
  // meanwhile.
  absl::Status RemoveOldFiles(const std::function<void()>& note_taken = {});
  bool HasOldFiles() { return !OldFiles().empty() || IsOverSizeLimit(); }

  // The newest frame up to `from` that the database file holds, whatever checkpoint wrote it; the
  // checkpointed frame when it holds none above that.
  absl::StatusOr<segment::FrameNo> LastCopied(segment::FrameNo from);

  absl::StatusOr<io::File*> database();

  // Makes durable what checkpoints wrote without a sync (synchronous=OFF).
  absl::Status SyncDatabase();

 private:
  absl::Status CheckSyncs() const;
  struct Copy {
    segment::PageNo page;
    segment::FrameNo frame;
  };

  // Up to which frame a checkpoint may go now without waiting for anybody.
  segment::FrameNo Allowed(segment::FrameNo limit, bool sync);
  segment::FrameNo NeededAfter() const;  // a checkpoint or the store needs what follows
  std::vector<std::shared_ptr<CurrentSegment>> OldFiles();
  bool IsOverSizeLimit();
  void KeepToSizeLimit();
  absl::StatusOr<CommitPoint> CommitAt(segment::FrameNo frame);
  std::vector<Copy> NewestVersions(segment::FrameNo from, const CommitPoint& to);
  absl::StatusOr<std::vector<LedgerPage>> CopyPages(const std::vector<Copy>& copies, bool sync,
                                                    const CheckpointWatcher& watcher);
  absl::Status Finish(const LedgerCheckpoint& done, bool sync);
  void WriteLedger(const LedgerCheckpoint& done);

  LogState& state_;
  Appender& appender_;
  const OpenDatabase open_database_;
  std::unique_ptr<io::File> database_;
  absl::Status poisoned_;  // by a failed sync of the database file
};

}  // namespace strata::wal
