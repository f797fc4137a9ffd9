#include "wal/write_lock.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "io/wait_on_word.h"

namespace strata::wal {

namespace {
constexpr int kSpins = 300;  // some 6 microseconds

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

constexpr int64_t kInterruptPollUs = 5'000;
constexpr int64_t kLookAgainUs = 500;
constexpr int64_t kBackgroundUs = 10'000'000;  // more than file creation and a few syncs ever take
}  // namespace

WriteLock::Outcome WriteLock::Acquire(int64_t timeout_us,
                                      const std::function<bool()>& interrupted) {
  int64_t left_us = timeout_us;
  Outcome outcome = AcquireHere(&left_us, interrupted);
  if (outcome != Outcome::kAcquired || process_ == nullptr) return outcome;
  return EnsureProcess(std::max<int64_t>(0, left_us), interrupted);
}

// Also when memory runs out, the lock of this process is not kept without the other one.
WriteLock::Outcome WriteLock::EnsureProcess(int64_t timeout_us,
                                            const std::function<bool()>& interrupted) {
  if (process_ == nullptr) return Outcome::kAcquired;
  auto release = absl::MakeCleanup([this] { ReleaseHere(); });
  const Outcome outcome = process_->Ensure(timeout_us, interrupted);
  if (outcome == Outcome::kAcquired) std::move(release).Cancel();
  return outcome;
}

WriteLock::Outcome WriteLock::AcquireHere(int64_t* timeout_us,
                                          const std::function<bool()>& interrupted) {
  if (*timeout_us > 0) SpinWhileHeld();
  io::MutexLock lock(&mutex_);
  if (!held_) {
    held_ = true;
    return Outcome::kAcquired;
  }
  if (*timeout_us <= 0 && !background_) return Outcome::kTimedOut;
  const int64_t begun = clock_->MonotonicMicros();
  const Outcome outcome = WaitInQueue(*timeout_us, interrupted, false);
  *timeout_us -= clock_->MonotonicMicros() - begun;
  return outcome;
}

// A commit holds the lock for less time than it takes to fall asleep and be woken.
void WriteLock::SpinWhileHeld() {
  if (!held_.load(std::memory_order_relaxed)) return;
  spinning_.fetch_add(1, std::memory_order_relaxed);
  for (int i = 0; i < kSpins && held_.load(std::memory_order_relaxed); ++i) {
    if (comes_back_.load(std::memory_order_relaxed)) break;
    Pause();
  }
  spinning_.fetch_sub(1, std::memory_order_relaxed);
}

WriteLock::Waiter* WriteLock::Enqueue(bool background) {
  if (free_.empty()) {
    waiters_.emplace_back();
    free_.reserve(waiters_.size());
    free_.push_back(&waiters_.back());
  }
  Waiter* waiter = free_.back();
  queue_.push_back(waiter);
  free_.pop_back();
  waiter->since_us = clock_->MonotonicMicros();
  waiter->background = background;
  waiter->granted = false;
  return waiter;
}

void WriteLock::Sleep(Waiter* self, int64_t microseconds) {
  const uint32_t wakes = self->wakes.load(std::memory_order_relaxed);
  mutex_.Unlock();
  io::WaitOnWordFor(self->wakes, wakes, microseconds);
  if (self->wakes.load(std::memory_order_relaxed) != wakes) SpinWhileHeld();
  mutex_.Lock();
}

WriteLock::Outcome WriteLock::WaitInQueue(int64_t timeout_us,
                                          const std::function<bool()>& interrupted,
                                          bool background) {
  Waiter* self = Enqueue(background);
  const auto leave = absl::MakeCleanup([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    std::erase(queue_, self);  // unless it was granted the lock
    free_.push_back(self);
  });
  for (;;) {
    if (woken_ == self) woken_ = nullptr;
    if (self->granted) return Outcome::kAcquired;
    if (!held_) break;
    const int64_t waited = clock_->MonotonicMicros() - self->since_us;
    const int64_t limit = background_ ? std::max(timeout_us, kBackgroundUs) : timeout_us;
    if (waited >= limit) return Outcome::kTimedOut;
    if (interrupted && interrupted()) return Outcome::kInterrupted;
    const int64_t poll_us = comes_back_ && queue_.front() == self ? kLookAgainUs : kInterruptPollUs;
    Sleep(self, std::min(limit - waited, poll_us));
  }
  held_ = true;
  background_ = background;
  return Outcome::kAcquired;
}

bool WriteLock::TryAcquireForBackground() {
  {
    io::MutexLock lock(&mutex_);
    if (held_) return false;
    held_ = background_ = true;
  }
  return EnsureProcess(-1, nullptr) == Outcome::kAcquired;
}

bool WriteLock::AcquireForBackground(int64_t timeout_us) {
  {
    io::MutexLock lock(&mutex_);
    if (!held_) {
      held_ = background_ = true;
    } else if (WaitInQueue(timeout_us, nullptr, true) != Outcome::kAcquired) {
      return false;
    }
  }
  return EnsureProcess(-1, nullptr) == Outcome::kAcquired;
}

void WriteLock::Release(Next next) {
  if (process_ != nullptr) process_->Leaving();
  ReleaseHere(next);
}

void WriteLock::ReleaseHere(Next next) {
  Waiter* waiter = nullptr;
  {
    io::MutexLock lock(&mutex_);
    waiter = NextToWake(next);
  }
  // Without the mutex, which it wants first.
  if (waiter != nullptr) io::WakeOneOnWord(waiter->wakes);
}

WriteLock::Waiter* WriteLock::NextToWake(Next next) {
  background_ = false;
  comes_back_ = next == Next::kGoesOn;
  if (queue_.empty()) {
    held_ = false;
    return nullptr;
  }
  Waiter* first = queue_.front();
  if (clock_->MonotonicMicros() - first->since_us >= barge_us_) {
    first->granted = true;
    background_ = first->background;
    queue_.pop_front();
    first->wakes.fetch_add(1, std::memory_order_relaxed);
    return first;
  }
  held_ = false;
  if (woken_ != nullptr || comes_back_ || spinning_.load(std::memory_order_relaxed) > 0)
    return nullptr;
  woken_ = first;
  first->wakes.fetch_add(1, std::memory_order_relaxed);
  return first;
}

}  // namespace strata::wal
