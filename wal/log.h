#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wal/adoption.h"
#include "wal/appender.h"
#include "wal/checkpointer.h"
#include "wal/log_follower.h"
#include "wal/log_ownership.h"
#include "wal/log_place.h"
#include "wal/log_state.h"
#include "wal/maintenance.h"
#include "wal/recovery.h"
#include "wal/revival.h"
#include "wal/sealer.h"
#include "wal/shipper.h"

// One log of one database in this process, shared by all connections to it through one VFS. Design:
// docs/architecture.md.
namespace strata::wal {

// How far a store is behind its log.
struct StoreProgress {
  std::string url;
  std::string name_space;
  segment::FrameNo stored;  // the store has everything up to here
  uint64_t waiting_frames = 0;
  uint64_t waiting_bytes = 0;  // of log
};

class Log {
 public:
  // Creates the log directory or recovers what is in it, and makes durable what is served from it;
  // where other processes have it open, joins them. What a process that left the store was about to
  // do (log_leave.cc) is done first: all of the log goes into the database file. Unavailable:
  // another process opens or closes it just now. DataLoss: see RecoverLog. InvalidArgument: `store`
  // disagrees with what the log remembers. FailedPrecondition: on a network file system, or open in
  // another version.
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

  // ResourceExhausted when the log, or what of it waits for the store, is over its limit and a
  // checkpoint does not help; the error of shipping that has stopped for good. For the holder of
  // the write lock.
  absl::Status CheckRoom();

  // Copies what may be copied up to `limit` (sealing and shipping first when there is a store) and
  // removes what is no longer needed if the write lock is free or held by the caller.
  absl::Status Checkpoint(segment::FrameNo limit, bool sync, bool caller_holds_write_lock,
                          const CheckpointWatcher& watcher = {});

  // Frames in the log and how many of them are in the database file; both 0 for an empty log.
  struct Counts {
    uint64_t frames = 0;
    uint64_t checkpointed = 0;
  };
  Counts counts();
  // Where counts() starts. A commit below it was written before the log was last started again.
  segment::FrameNo counts_from() const {
    return segment::FrameNo(state_.shared.counts_from.load(std::memory_order_relaxed));
  }
  // False until the first commit to an empty log.
  bool has_identity() const { return state_.identity_version.load() != 0; }
  // The end of what the first process that opened the log found in it; 0 for an empty one.
  segment::FrameNo recovered_end() const {
    return segment::FrameNo(state_.shared.recovered_end.load(std::memory_order_relaxed));
  }
  // The oldest commit at or above the checkpoint of which a reader finds no page of a later one in
  // the database file, although an earlier checkpoint may have been cut short.
  absl::StatusOr<segment::FrameNo> OldestWhole();

  // PRAGMA wal_checkpoint(TRUNCATE), everything being in the database file and the write lock held:
  // leaves one empty log file, and counts() start again.
  absl::Status Truncate();

  // When a write transaction writes its first page with everything in the database file, counts()
  // start again, as SQLite's do.
  void RestartCountsIfEmpty();

  // Wakes the background to checkpoint.
  void RequestCheckpoint() { maintenance_.RequestCheckpoint(); }

  // After a commit was appended.
  void NoteCommit() { maintenance_.NoteCommit(); }

  // The store has the log up to here; 0: nothing, or there is no store.
  segment::FrameNo stored_frame();
  // Has everything that is visible sealed and shipped soon; returns its last frame. Like the next
  // two: FailedPrecondition without a store, and when shipping has ended for good.
  absl::StatusOr<segment::FrameNo> RequestSeal();
  // Has `frame` shipped soon, and waits until the store has it: false when that took longer than
  // `timeout_us` (negative: no limit). InvalidArgument: there is no such frame. Cancelled:
  // `interrupted` (may be empty) said so.
  absl::StatusOr<bool> WaitStored(segment::FrameNo frame, int64_t timeout_us,
                                  const std::function<bool()>& interrupted);
  // The same without a limit, for a commit that was made here already: an interruption is told to
  // the logger only.
  absl::Status WaitStoredAfterCommit(segment::FrameNo frame,
                                     const std::function<bool()>& interrupted);
  bool has_store() const { return shipper_.has_store(); }
  StoreProgress store_progress();
  absl::Status shipping_failure() const { return shipper_.stopped(); }

  // A log that stopped after failed syncs takes writes again, or not yet. For the holder of the
  // write lock, outside of a transaction.
  absl::Status Revive() { return revival_.Run(); }

  // Before a commit that is more than synchronous=OFF.
  absl::Status OweSyncs() { return maintenance_.OweSyncs(); }

  // Brings the index up to what other processes committed.
  absl::Status CatchUp() { return follower_.CatchUp(); }
  // Lets another process write, when no transaction of this one is open. Does nothing when one is.
  void HandOver();
  LogOwnership& ownership() { return ownership_; }
  // For tests: the process ends here, without a word to others. Then it may only be destroyed.
  void Die() { state_.attachment->Die(); }

  // One round of the background work, for tests without threads. Returns the time of the next,
  // monotonic us.
  int64_t RunMaintenance();

  // After the last connection: ships, checkpoints, and removes the directory when everything
  // arrived where it belongs. `may_checkpoint` and `may_remove` as the caller's locks allow; the
  // log is unusable afterwards. Cancelled when the watcher interrupted the checkpoint: the log
  // stays, as with any other failure.
  absl::Status Close(bool may_checkpoint, bool may_remove, const CheckpointWatcher& watcher = {});

 private:
  absl::Status CheckBacklog();
  absl::Status CheckLogBytes();
  uint64_t BytesBeyondCheckpoint();
  Log(const LogPlace& place, const Environment& environment, const Options& options,
      std::unique_ptr<Attachment> attachment, const io::Ownership& ownership);

  absl::Status OpenFirst(const StoreAddress& store);
  absl::Status Join(const StoreAddress& store);
  absl::Status Recover(const StoreAddress& store);
  absl::StatusOr<Start> FindOwnStart(const StoreAddress& store);
  absl::Status StartFresh(const StoreAddress& store);
  absl::StatusOr<bool> StartsElsewhere(const RecoveredLog& recovered);
  absl::Status AdoptRecovered(const RecoveredLog& recovered);
  absl::Status CheckDatabaseFile(const RecoveredLog& recovered);
  absl::Status NoteDatabaseFile();
  absl::Status CheckStore(const StoreAddress& store);
  absl::Status CheckFirstContact();
  absl::Status OpenStore();
  absl::Status SyncForCheckpoint(segment::FrameNo frame);
  void MakeParts(segment::FrameNo floor);
  absl::Status LeaveToOthers();
  absl::Status CloseLast(bool may_checkpoint, bool may_remove, const CheckpointWatcher& watcher);
  absl::Status CloseOwned(bool may_checkpoint, bool may_remove, const CheckpointWatcher& watcher);
  absl::Status CheckShips() const;
  absl::Status RemoveDirectory();
  void RemoveWhatReadersMade();
  absl::Status LeaveStore();
  absl::Status CheckHasNotLeft(const StoreAddress& store);
  absl::StatusOr<bool> HasLeftStore(const Identity& identity);
  static absl::Status FinishLeaving(const LogPlace& place, const Environment& environment,
                                    const Options& options);
  absl::Status WriteCleanState();
  absl::Status WriteOutside(const CleanState& clean);
  std::string IdentityPath() const { return state_.directory + "/" + kIdentityName; }
  std::string StrataPath() const { return place_.database + kCleanIdentitySuffix; }

  const LogPlace place_;
  LogState state_;
  Appender appender_;
  LogFollower follower_;
  LogOwnership ownership_;
  Checkpointer checkpointer_;
  std::unique_ptr<io::ObjectStore> store_;
  Sealer sealer_;
  Shipper shipper_;
  Revival revival_;
  Maintenance maintenance_;
  std::optional<Identity> clean_;              // app.db-strata as found
  std::optional<DatabaseFile> database_file_;  // as found by recovery
  bool begins_without_past_ = false;           // neither a log nor app.db-strata was there
  bool has_left_store_ = false;                // as was found at the open, which then finishes it
};

}  // namespace strata::wal
