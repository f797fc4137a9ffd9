#include "io/clock.h"

#include <ctime>

namespace strata::io {
namespace {

int64_t Micros(clockid_t clock) {
  timespec now;
  ::clock_gettime(clock, &now);  // cannot fail for the two clocks used here
  return now.tv_sec * int64_t{1000000} + now.tv_nsec / 1000;
}

class SystemClockImpl : public Clock {
 public:
  int64_t NowMicros() override { return Micros(CLOCK_REALTIME); }
  int64_t MonotonicMicros() override { return Micros(CLOCK_MONOTONIC); }
};

}  // namespace

Clock& SystemClock() {
  static SystemClockImpl& instance = *new SystemClockImpl;
  return instance;
}

}  // namespace strata::io
