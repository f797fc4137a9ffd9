#pragma once

#include <atomic>

#include "io/clock.h"

namespace strata::support {

// A clock that moves only as told. Safe to call from any thread.
class FakeClock : public io::Clock {
 public:
  explicit FakeClock(int64_t now_micros = 1'700'000'000'000'000) : wall_(now_micros) {}

  int64_t NowMicros() override { return wall_.load(); }
  int64_t MonotonicMicros() override {
    const int64_t step = step_.load();
    if (step != 0) Advance(step);
    return monotonic_.load();
  }

  // Time passes: both clocks go on.
  void Advance(int64_t micros) {
    wall_ += micros;
    monotonic_ += micros;
  }

  // From now on time passes by `micros` whenever somebody looks at the monotonic clock: what looks
  // often takes long.
  void AdvanceAtEachLook(int64_t micros) { step_ = micros; }

  // Someone sets the wall clock, in either direction.
  void SetWall(int64_t micros) { wall_ = micros; }

 private:
  std::atomic<int64_t> wall_;
  std::atomic<int64_t> monotonic_ = 1'000'000;
  std::atomic<int64_t> step_ = 0;
};

}  // namespace strata::support
