#pragma once

#include <cstdint>

namespace strata::io {

// The only door to time. Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock: microseconds since 1970-01-01 UTC. May jump in either direction.
  virtual int64_t NowMicros() = 0;

  // Microseconds since some moment in the past; never goes back.
  virtual int64_t MonotonicMicros() = 0;
};

// The machine's clocks; lives as long as the process.
Clock& SystemClock();

}  // namespace strata::io
