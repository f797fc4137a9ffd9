#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wal/appender.h"
#include "wal/checkpointer.h"
#include "wal/log_place.h"
#include "wal/log_state.h"
#include "wal/maintenance.h"
#include "wal/recovery.h"
#include "wal/sealer.h"
#include "wal/shipper.h"

// One log of one database in this process, shared by all connections to it. Design:
// docs/architecture.md.
namespace strata::wal {

class Log {
 public:
  // Creates the log directory or recovers what is in it, and makes durable what is served from it.
  // Unavailable: another process has the log open. DataLoss: see RecoverLog. InvalidArgument:
  // `store` disagrees with what the log remembers. FailedPrecondition: on a network file system.
  static absl::StatusOr<std::shared_ptr<Log>> Open(const LogPlace& place, const StoreAddress& store,
                                                   const Environment& environment,
                                                   const Options& options);
  ~Log();

  LogState& state() { return state_; }
  Appender& appender() { return appender_; }
  const LogPlace& place() const { return place_; }
  bool read_only() const { return place_.read_only; }

  // Before the first frame: gives the log its identity. The caller holds the write lock.
  absl::Status PrepareToWrite(uint32_t page_size);

  // An error when the backlog of unshipped log is over its limit, or shipping has stopped for good.
  absl::Status CheckBacklog();

  // Copies what may be copied up to `limit` (sealing and shipping first when there is a store) and
  // removes what is no longer needed if the write lock is free or held by the caller.
  absl::Status Checkpoint(segment::FrameNo limit, bool sync, bool caller_holds_write_lock);

  // Frames in the log and how many of them are in the database file; both 0 for an empty log.
  struct Counts {
    uint64_t frames = 0;
    uint64_t checkpointed = 0;
  };
  Counts counts();
  // PRAGMA wal_checkpoint(TRUNCATE), everything being in the database file and the write lock held:
  // leaves one empty log file, and counts() start again.
  absl::Status Truncate();

  // When a write transaction begins with everything in the database file, counts() start again, as
  // SQLite's do.
  void RestartCountsIfEmpty();

  // Wakes the background to checkpoint.
  void RequestCheckpoint() { maintenance_.RequestCheckpoint(); }

  // After a commit was appended.
  void NoteCommit() { maintenance_.NoteCommit(); }

  // Before a commit that is more than synchronous=OFF.
  absl::Status OweSyncs() { return maintenance_.OweSyncs(); }

  // One round of the background work, for tests without threads. Returns the time of the next,
  // monotonic us.
  int64_t RunMaintenance();

  // After the last connection: ships, checkpoints, and removes the directory when everything
  // arrived where it belongs. `may_checkpoint` and `may_remove` as the caller's locks allow; the
  // log is unusable afterwards.
  absl::Status Close(bool may_checkpoint, bool may_remove);

 private:
  Log(const LogPlace& place, const Environment& environment, const Options& options);

  absl::Status LockDirectory();
  absl::Status LockForReading();
  absl::Status Recover(const StoreAddress& store);
  absl::Status StartFresh(const StoreAddress& store);
  bool StartsElsewhere(const RecoveredLog& recovered);
  absl::Status AdoptRecovered(const RecoveredLog& recovered);
  absl::Status CheckStore(const StoreAddress& store);
  absl::Status OpenStore();
  void StartAt(const CommitPoint& end, segment::FrameNo floor);
  absl::Status RemoveDirectory();
  absl::Status WriteCleanState();
  std::string IdentityPath() const { return state_.directory + "/" + kIdentityName; }
  std::string StrataPath() const { return place_.database + kCleanIdentitySuffix; }

  const LogPlace place_;
  LogState state_;
  Appender appender_;
  Checkpointer checkpointer_;
  std::unique_ptr<io::ObjectStore> store_;
  Sealer sealer_;
  Shipper shipper_;
  Maintenance maintenance_;
  std::unique_ptr<io::File> lock_file_;
  std::atomic<bool> has_identity_{false};  // the log directory holds the identity
  std::optional<Identity> clean_;          // app.db-strata as found
  std::atomic<uint64_t> counts_from_{0};   // frame at which counts() starts
};

}  // namespace strata::wal
