#include <gtest/gtest.h>

#include "io/clock.h"
#include "io/log.h"
#include "io/random.h"
#include "tests/support/fake_clock.h"

namespace strata::io {
namespace {

TEST(SystemClock, WallClockIsInMicrosecondsAndMonotonicNeverGoesBack) {
  EXPECT_GT(SystemClock().NowMicros(), 1'600'000'000'000'000);
  EXPECT_LT(SystemClock().NowMicros(), 5'000'000'000'000'000);
  int64_t last = SystemClock().MonotonicMicros();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = SystemClock().MonotonicMicros();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(FakeClock, MovesOnlyWhenTold) {
  support::FakeClock clock(100);
  const int64_t monotonic = clock.MonotonicMicros();
  clock.Advance(5);
  EXPECT_EQ(clock.NowMicros(), 105);
  clock.SetWall(7);
  EXPECT_EQ(clock.NowMicros(), 7);
  EXPECT_EQ(clock.MonotonicMicros(), monotonic + 5);
}

TEST(SeededRandom, FollowsSplitMix64) {
  SeededRandom random(0);
  EXPECT_EQ(random.Next64(), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(random.Next64(), 0x6E789E6AA1B965F4u);
  EXPECT_EQ(random.Next64(), 0x06C45D188009454Fu);
}

TEST(SystemRandom, DoesNotRepeat) { EXPECT_NE(SystemRandom().Next64(), SystemRandom().Next64()); }

TEST(SilentLogger, TakesMessages) { SilentLogger().Log(Severity::kError, "nobody hears this"); }

}  // namespace
}  // namespace strata::io
