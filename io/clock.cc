#include "io/clock.h"

#include <ctime>

#include "absl/time/time.h"

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

std::string FormatTime(int64_t time_us) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", absl::FromUnixMicros(time_us),
                          absl::UTCTimeZone());
}

}  // namespace strata::io
