#pragma once

#include <atomic>
#include <cstdint>

#include "io/clock.h"
#include "io/random.h"
#include "io/sleeper.h"

namespace strata::io {

struct RetryLimits {
  int64_t first_us = 100'000;        // longest wait before the second attempt; doubles each time
  int64_t longest_us = 5'000'000;    // longest wait at all
  int64_t deadline_us = 20'000'000;  // no attempt begins later than this after the first
};

// The waits between attempts: a random time up to a bound that doubles ("full jitter", so that many
// who failed together do not come again together). One thread.
class Backoff {
 public:
  // All must outlive it. `give_up_at` (monotonic, microseconds) may move while a wait is under way.
  Backoff(const RetryLimits& limits, Clock* clock, Random* random, Sleeper* sleeper,
          const std::atomic<int64_t>* give_up_at);

  // Waits, at least `at_least_us` when the server asked for that. False, at once, when no time is
  // left.
  bool WaitForNext(int64_t at_least_us);

  int attempts() const { return attempts_; }  // begun so far
  int64_t elapsed_us() const { return clock_->MonotonicMicros() - began_us_; }

 private:
  int64_t NextWait(int64_t at_least_us);
  int64_t End() const;

  const RetryLimits limits_;
  Clock* const clock_;
  Random* const random_;
  Sleeper* const sleeper_;
  const std::atomic<int64_t>* const give_up_at_;
  const int64_t began_us_;
  int attempts_ = 1;
  int64_t bound_us_;
};

}  // namespace strata::io
