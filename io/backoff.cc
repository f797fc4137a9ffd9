#include "io/backoff.h"

#include <algorithm>

namespace strata::io {
namespace {

// Also when a wake-up came just before the sleep.
constexpr int64_t kLongestSleepUs = 1'000'000;

}  // namespace

Backoff::Backoff(const RetryLimits& limits, Clock* clock, Random* random, Sleeper* sleeper,
                 const std::atomic<int64_t>* give_up_at)
    : limits_(limits),
      clock_(clock),
      random_(random),
      sleeper_(sleeper),
      give_up_at_(give_up_at),
      began_us_(clock->MonotonicMicros()),
      bound_us_(limits.first_us) {}

int64_t Backoff::End() const {
  return std::min(began_us_ + limits_.deadline_us, give_up_at_->load());
}

int64_t Backoff::NextWait(int64_t at_least_us) {
  const auto jitter =
      static_cast<int64_t>(random_->Next64() % static_cast<uint64_t>(bound_us_ + 1));
  bound_us_ = std::min(2 * bound_us_, limits_.longest_us);
  return std::max(jitter, at_least_us);
}

bool Backoff::WaitForNext(int64_t at_least_us) {
  const int64_t until = clock_->MonotonicMicros() + NextWait(at_least_us);
  for (;;) {
    if (until > End()) return false;
    const int64_t left = until - clock_->MonotonicMicros();
    if (left <= 0) break;
    sleeper_->Sleep(std::min(left, kLongestSleepUs));
  }
  ++attempts_;
  return true;
}

}  // namespace strata::io
