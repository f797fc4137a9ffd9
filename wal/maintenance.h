#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "io/mutex.h"
#include "wal/appender.h"
#include "wal/checkpointer.h"
#include "wal/log_ownership.h"
#include "wal/log_state.h"
#include "wal/revival.h"
#include "wal/shipper.h"

// The background of a log: what must happen without a call from the application. Two threads, so
// that a slow store does not hold up a sync; both start with the first commit.
namespace strata::wal {

class Maintenance {
 public:
  Maintenance(LogState* state, Appender* appender, Checkpointer* checkpointer, Shipper* shipper,
              LogFollower* follower, LogOwnership* ownership, Revival* revival)
      : state_(*state),
        appender_(*appender),
        checkpointer_(*checkpointer),
        shipper_(*shipper),
        follower_(*follower),
        ownership_(*ownership),
        revival_(*revival) {}
  ~Maintenance() { Stop(); }

  void Start();  // idempotent; nothing with Options::background off
  void Stop();   // waits for what is under way

  // Before the first commit that is more than synchronous=OFF: from here on everything is synced,
  // beginning with what a checkpoint wrote to the database file so far. Any thread.
  absl::Status OweSyncs();

  // After a commit: the background has something to do. Any thread.
  void NoteCommit();

  // A checkpoint soon, whatever the size of the log. Any thread.
  void RequestCheckpoint();

  // What is visible up to `frame` into the store soon, whatever its size and age. Any thread.
  void RequestShip(segment::FrameNo frame);
  // Returns after the next attempt to ship, or `wait_us`. Any thread.
  void WaitForShip(int64_t wait_us);

  // One round of everything that is due at `now` (monotonic us); returns when the next is, the
  // largest number when nothing is before another commit.
  int64_t RunSyncs(int64_t now);
  int64_t RunTransfers(int64_t now);

  // The log holds commits of unknown durability, from before it was opened.
  void OweSyncsFromBefore() { state_.shared.owes_syncs.store(1, std::memory_order_relaxed); }

  // True while only synchronous=OFF commits were made, by whatever process: nothing is synced then.
  bool off_only() const { return state_.shared.owes_syncs.load(std::memory_order_relaxed) == 0; }

 private:
  using Round = int64_t (Maintenance::*)(int64_t);
  int64_t RunWithoutThrowing(Round round, int64_t now);
  void Loop(Round round);
  void LoopAtBell();
  int64_t RunTwiceWhenIdle(Round round, int64_t idle_us, bool* idle);
  void SyncIfDue(int64_t now, int64_t* next);
  void MarkIfQuiet(int64_t now, int64_t* next);
  void ShipIfDue(int64_t now, int64_t* next);
  bool ShipIsRequested() const;
  void NoteShip();
  bool CheckpointIsDue() const;
  void CheckpointIfDue();
  void SleepUntil(int64_t next);
  void Rest(int64_t last_commit_us);
  bool stopped();
  void CleanUp();
  void Report(const char* what, const absl::Status& status);

  LogState& state_;
  Appender& appender_;
  Checkpointer& checkpointer_;
  Shipper& shipper_;
  LogFollower& follower_;
  LogOwnership& ownership_;
  Revival& revival_;

  std::atomic<bool> checkpoint_requested_{false};
  std::atomic<uint64_t> ship_requested_{0};   // up to this frame
  std::atomic<int64_t> marked_commit_us_{0};  // last_commit_us that the newest mark covers
  int64_t retry_ship_us_ = 0;                 // not before (after an error)
  int64_t ship_backoff_us_ = 0;

  io::Mutex mutex_;
  io::CondVar wake_;
  io::CondVar shipped_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> started_{false};
  std::atomic<int> sleeping_{0};  // threads that wait for a commit
  std::thread sync_thread_;
  std::thread transfer_thread_;
};

}  // namespace strata::wal
