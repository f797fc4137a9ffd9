#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/crash_image.h"
#include "tests/wal/log_world.h"

namespace strata::wal {

// What the next run reads when the power fails now. An error fails the test and reads as nothing.
inline Versions AfterPowerLoss(const LogWorld& world, support::CrashPolicy policy,
                               uint64_t seed = 1) {
  LogWorld after(support::CrashImage(*world.disk, world.disk->operation_count(),
                                     {.seed = seed, .policy = policy}));
  const absl::Status opened = after.Open();
  EXPECT_TRUE(opened.ok()) << opened;
  if (!opened.ok()) return {};
  const absl::StatusOr<Versions> found = after.Read();
  EXPECT_TRUE(found.ok()) << found.status();
  return found.value_or(Versions{});
}

// The same under each policy, under the random one fifty times.
inline void ExpectAfterPowerLoss(const LogWorld& world,
                                 const testing::Matcher<Versions>& expected) {
  using support::CrashPolicy;
  EXPECT_THAT(AfterPowerLoss(world, CrashPolicy::kDropUnsynced), expected);
  EXPECT_THAT(AfterPowerLoss(world, CrashPolicy::kKeepAll), expected);
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_THAT(AfterPowerLoss(world, CrashPolicy::kRandom, seed), expected) << "seed " << seed;
  }
}

}  // namespace strata::wal
