#pragma once

#include <atomic>

#include "io/clock.h"

namespace strata::support {

// A clock that moves only when told. Safe to call from any thread.
class FakeClock : public io::Clock {
 public:
  explicit FakeClock(int64_t now_micros = 1'700'000'000'000'000) : wall_(now_micros) {}

  int64_t NowMicros() override { return wall_.load(); }
  int64_t MonotonicMicros() override { return monotonic_.load(); }

  // Time passes: both clocks go on.
  void Advance(int64_t micros) {
    wall_ += micros;
    monotonic_ += micros;
  }

  // Someone sets the wall clock, in either direction.
  void SetWall(int64_t micros) { wall_ = micros; }

 private:
  std::atomic<int64_t> wall_;
  std::atomic<int64_t> monotonic_ = 1'000'000;
};

}  // namespace strata::support
