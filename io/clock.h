#pragma once

#include <cstdint>
#include <string>

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

// A wall-clock time (microseconds since 1970-01-01 UTC) as RFC 3339 with six digits of a second:
// "2026-01-31T12:34:56.123456Z".
std::string FormatTime(int64_t time_us);

}  // namespace strata::io
