#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "absl/base/thread_annotations.h"
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

  enum class Outcome { kAcquired, kTimedOut, kInterrupted };

  // Waits at most `timeout_us` microseconds (0: not at all). `interrupted` is asked every few
  // milliseconds.
  Outcome Acquire(int64_t timeout_us, const std::function<bool()>& interrupted);
  void Release();

  // For work of the background: never waits itself, and whoever wants the lock meanwhile waits for
  // it to end, even with a timeout of 0: an application with one connection must not hear that it
  // is busy.
  bool TryAcquireForBackground();
  // The same, after waiting in the queue for at most `timeout_us`.
  bool AcquireForBackground(int64_t timeout_us);

 private:
  struct Waiter {
    int64_t since_us;
    bool background = false;
    bool granted = false;
    io::CondVar wake;
  };

  Outcome WaitInQueue(int64_t timeout_us, const std::function<bool()>& interrupted, bool background)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  io::Clock* const clock_;
  const int64_t barge_us_;
  io::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool background_ ABSL_GUARDED_BY(mutex_) = false;        // the holder
  const Waiter* woken_ ABSL_GUARDED_BY(mutex_) = nullptr;  // and has not looked yet
  std::deque<Waiter*> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
