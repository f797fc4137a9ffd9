#include <gtest/gtest.h>

#include <cstdio>

#include "tests/crash/campaign.h"
#include "tests/crash/workloads.h"

namespace strata::crash {
namespace {

constexpr uint64_t kImages = 120'000;
constexpr uint64_t kFirstSeed = 1;

CampaignResult RunUntil(uint64_t images) {
  CampaignResult total;
  for (uint64_t seed = kFirstSeed; total.checks.images < images && total.violation.empty();
       ++seed) {
    for (const Workload& workload : AllWorkloads()) {
      CampaignOptions options;
      options.seed = seed;
      total.Add(RunCampaign(workload, options));
    }
    std::printf("seed %llu done, %s\n", static_cast<unsigned long long>(seed),
                total.checks.ToString().c_str());
  }
  return total;
}

// Every kind of damage must have happened: a campaign that damages nothing proves nothing.
void ExpectAllFaults(const CampaignResult& total) {
  const support::FaultCounts& faults = total.faults;
  std::printf("%s; failed syncs %llu, logs revived %llu\n", faults.ToString().c_str(),
              static_cast<unsigned long long>(total.failed_syncs),
              static_cast<unsigned long long>(total.revivals));
  EXPECT_GT(faults.lost_write, 0u);
  EXPECT_GT(faults.torn_write_512, 0u);
  EXPECT_GT(faults.torn_write_4096, 0u);
  EXPECT_GT(faults.reordered, 0u);
  EXPECT_GT(faults.garbage, 0u);
  EXPECT_GT(faults.block_damage, 0u);
  EXPECT_GT(faults.failed_sync_loss, 0u);
  EXPECT_GT(faults.lost_truncate, 0u);
  EXPECT_GT(faults.lost_create, 0u);
  EXPECT_GT(faults.lost_rename, 0u);
  EXPECT_GT(faults.lost_unlink, 0u);
  EXPECT_GT(total.failed_syncs, 0u);
  EXPECT_GT(total.revivals, 0u);
}

// Stands for crash2.test, savepoint4.test, walcrash.test, walcrash3.test and writecrash.test of
// SQLite's suite.
TEST(CrashCampaign, NoPowerCutLosesOrInventsACommit) {
  const CampaignResult total = RunUntil(kImages);
  EXPECT_EQ(total.violation, "");
  EXPECT_GE(total.checks.images, kImages);
  EXPECT_GT(total.checks.recovery_images, 0u);
  EXPECT_GT(total.checks.read_only, 0u);
  EXPECT_GT(total.checks.stored_segments, 0u);
  for (int step = 0; step < kStepKinds; ++step)
    EXPECT_GT(total.steps[step], 0u) << NameOf(static_cast<Step>(step));
  ExpectAllFaults(total);
}

}  // namespace
}  // namespace strata::crash
