#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "io/clock.h"
#include "io/mutex.h"

namespace strata::wal {

// The queue of writers of one log. A running thread may take a free lock past those who wait
// (barging: a strict hand-over costs a context switch per commit); one who has waited longer than
// `barge_us` is handed it. Of those who wait one at a time is woken: the next one when that one has
// taken the lock or gone back to sleep. Safe to call from any thread.
class WriteLock {
 public:
  WriteLock(io::Clock* clock, int64_t barge_us) : clock_(clock), barge_us_(barge_us) {}

  enum class Outcome { kAcquired, kTimedOut, kInterrupted, kFailed };

  // Below the lock among threads, the one among processes.
  class Process {
   public:
    virtual ~Process() = default;
    // The calling thread holds the lock of this process. As Acquire; a negative timeout: without
    // even asking for it. kFailed: for the reason that `failure` tells.
    virtual Outcome Ensure(int64_t timeout_us, const std::function<bool()>& interrupted) = 0;
    virtual absl::Status failure() const = 0;
    // It is about to give it back.
    virtual void Leaving() = 0;
  };
  // Before the first use; outlives this. Without one, no other process is there.
  void SetProcess(Process* process) { process_ = process; }
  absl::Status failure() const {
    return process_ == nullptr ? absl::OkStatus() : process_->failure();
  }

  // Waits at most `timeout_us` microseconds (0: not at all). `interrupted` is asked every few
  // milliseconds.
  Outcome Acquire(int64_t timeout_us, const std::function<bool()>& interrupted);
  // What the holder does next. One who waits for a sync leaves the lock to others: the next of them
  // is woken. One who goes on is likely to want it back before anybody could wake up, and a change
  // of hands costs more than a commit: those who wait look again by themselves, every half a
  // millisecond, until one is handed the lock.
  enum class Next { kWaits, kGoesOn };
  void Release(Next next = Next::kWaits);

  // For work of the background: never waits itself, and whoever wants the lock meanwhile waits for
  // it to end, even with a timeout of 0: an application with one connection must not hear that it
  // is busy.
  bool TryAcquireForBackground();
  // The same, after waiting in the queue for at most `timeout_us`.
  bool AcquireForBackground(int64_t timeout_us);

 private:
  struct Waiter {
    int64_t since_us = 0;
    bool background = false;
    bool granted = false;
    std::atomic<uint32_t> wakes{0};  // changes with each
  };

  // Lowers the timeout by what was waited.
  Outcome AcquireHere(int64_t* timeout_us, const std::function<bool()>& interrupted);
  Outcome EnsureProcess(int64_t timeout_us, const std::function<bool()>& interrupted);
  void ReleaseHere(Next next = Next::kWaits);
  Waiter* NextToWake(Next next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Waiter* Enqueue(bool background) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Looks for a few microseconds whether the lock becomes free.
  void SpinWhileHeld();
  // Until woken, or for the time given, and then until the lock is free, for a few microseconds.
  void Sleep(Waiter* self, int64_t microseconds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Outcome WaitInQueue(int64_t timeout_us, const std::function<bool()>& interrupted, bool background)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  io::Clock* const clock_;
  const int64_t barge_us_;
  Process* process_ = nullptr;
  io::Mutex mutex_;
  std::atomic<bool> held_{false};                    // changed with the mutex
  std::atomic<bool> comes_back_{false};              // whoever had it last; changed with the mutex
  std::atomic<int> spinning_{0};                     // threads that are about to look at held_
  bool background_ ABSL_GUARDED_BY(mutex_) = false;  // the holder
  const Waiter* woken_ ABSL_GUARDED_BY(mutex_) = nullptr;  // and has not looked yet
  std::deque<Waiter*> queue_ ABSL_GUARDED_BY(mutex_);
  // Waiters live as long as the lock: one may be signalled after it has gone.
  std::deque<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  std::vector<Waiter*> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
