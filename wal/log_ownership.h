#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>

#include "absl/status/status.h"
#include "wal/appender.h"
#include "wal/log_follower.h"
#include "wal/log_state.h"

// Which process writes. The one that owns the log appends, syncs and publishes, and keeps the right
// beyond its transactions, so that a process that is alone pays nothing for it; it hands over when
// another one asks. docs/processes.md, "Who writes".
namespace strata::wal {

// A time at which the background would have something to do, where it has nothing.
inline constexpr int64_t kNothingDue = std::numeric_limits<int64_t>::max();

// The calls of WriteLock::Process, HandOver and Recovered: with the write lock of this process
// held. The others: any thread.
class LogOwnership : public WriteLock::Process {
 public:
  LogOwnership(LogState* state, Appender* appender, LogFollower* follower)
      : state_(*state), appender_(*appender), follower_(*follower) {}

  WriteLock::Outcome Ensure(int64_t timeout_us, const std::function<bool()>& interrupted) override;
  absl::Status failure() const override;
  void Leaving() override;

  bool owned() const { return owned_.load(std::memory_order_acquire); }

  // Makes durable what somebody waits for, tells where the log ends, and lets go. Commits that
  // nobody waits for pass unsynced: the next owner owes their sync.
  void HandOver();

  // What other processes want of this one, and what the death of one of them leaves to do.
  // Returns when to look again, monotonic us. For the thread that hears this process's bell.
  int64_t LookAround(int64_t now);

  // A thread does LookAround() whenever the bell rings: then the log may be kept while idle.
  void set_listening(bool listening) { listening_.store(listening, std::memory_order_release); }

  // First opener, after recovery: what the shared memory has to say. `durable`: all of it is; else
  // whoever writes first takes over as from a dead process.
  void PublishRecovered(const CommitPoint& end, const CommitPoint& synced, bool durable);

 private:
  WriteLock::Outcome WaitForByte(int64_t timeout_us, const std::function<bool()>& interrupted);
  void Ask(int64_t* asked_us, int64_t now);
  void LetOthersFirst();
  WriteLock::Outcome Fail(absl::Status why);
  absl::Status Take();
  absl::Status Resume();
  absl::Status TakeOver();
  absl::Status RemoveUnpublishedFiles(uint64_t last_sequence);
  void Watch(int64_t now);
  // Commits wait for a sync that nobody may be there to make.
  bool OwesSync() const;
  int64_t Now() const { return state_.environment.clock->MonotonicMicros(); }

  LogState& state_;
  Appender& appender_;
  LogFollower& follower_;
  std::atomic<bool> owned_{false};
  std::atomic<bool> listening_{false};
  std::atomic<int64_t> taken_us_{0};
  mutable io::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  segment::FrameNo taken_at_;    // where the log ended when it was taken
  uint64_t last_ownership_ = 0;  // number of this process's last one
  int64_t handed_us_ = 0;        // when it was handed to one who asked; 0: nobody did
  uint32_t handed_taken_ = 0;    // SharedWriteLock::taken then

  // Of the thread that looks around.
  int64_t unsynced_since_us_ = 0;
  int64_t buried_us_ = 0;
};

}  // namespace strata::wal
