#include <gtest/gtest.h>

#include <algorithm>

#include "tests/crash/campaign.h"
#include "tests/crash/workloads.h"

// What the campaign found, each with the shortest steps that show it.
namespace strata::crash {
namespace {

Workload Named(const std::string& name) {
  const std::vector<Workload> all = AllWorkloads();
  return *std::find_if(all.begin(), all.end(),
                       [&](const Workload& each) { return each.name == name; });
}

std::string ViolationOf(const Workload& workload, const std::vector<Step>& steps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CampaignOptions options;
    options.seed = seed;
    options.thorough_every = 2;
    const CampaignResult result = RunSteps(workload, steps, options);
    if (!result.violation.empty()) return result.violation;
  }
  return "";
}

TEST(CrashRegression, RecoveryDoesNotUseTheNameOfALeftoverTemporaryFile) {
  EXPECT_EQ(ViolationOf(Named("mixed"), {Step::kCommit, Step::kTruncate, Step::kCommit}), "");
}

TEST(CrashRegression, PaddingNeverTouchesASyncedBlock) {
  EXPECT_EQ(ViolationOf(Named("padded"),
                        {Step::kCommit, Step::kSpilledCommit, Step::kRollback, Step::kCommit}),
            "");
}

TEST(CrashRegression, ACheckpointRightAfterRecoverySyncsTheDatabaseFile) {
  Workload workload = Named("normal");
  workload.options.checkpoint_bytes = 1;
  EXPECT_EQ(ViolationOf(workload, {Step::kCommit, Step::kCommit, Step::kKill, Step::kQuiet,
                                   Step::kCommit, Step::kQuiet}),
            "");
}

TEST(CrashRegression, AConnectionThatIsOffCheckpointsOthersDurably) {
  const std::vector<Step> steps = {Step::kCommit, Step::kCheckpoint, Step::kCommit,
                                   Step::kCheckpoint, Step::kCommit};
  EXPECT_EQ(ViolationOf(Named("full"), steps), "");
}

TEST(CrashRegression, NothingIsShippedBeforeTheLogHasAnIdentity) {
  EXPECT_EQ(ViolationOf(Named("store-adopted"), {Step::kSeal, Step::kClose, Step::kCommit}), "");
  EXPECT_EQ(ViolationOf(Named("store-adopted"), {Step::kSeal, Step::kKill, Step::kCommit}), "");
}

// A process that dies between creating the log directory and making its name durable leaves that to
// the next one.
TEST(CrashRegression, TheLogDirectoryOfAKilledProcessBecomesDurable) {
  Workload workload = Named("full");
  support::SimulatedDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("/db").ok());
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  Driver driver(&disk, workload, 1, Trace(DatabaseState(workload.page_size), 0), 1);
  driver.sites().Swallow("directory: parent: new log directory");
  driver.Open();
  driver.Run(Step::kCommit);
  driver.sites().Swallow("");
  driver.Run(Step::kKill);
  driver.Run(Step::kCommit);
  ASSERT_EQ(driver.failure(), "");
  const uint64_t end = disk.operation_count();
  const auto image = support::CrashImage(disk, end, {0, support::CrashPolicy::kDropUnsynced});
  ImageCheck check(workload, 1);
  EXPECT_EQ(check.Run(*image, driver.trace(), Trace::Promise::kPower, end, false), "");
}

TEST(CrashRegression, ACleanCloseWithSynchronousOffLeavesNoLog) {
  Workload workload = Named("off");
  support::SimulatedDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("/db").ok());
  Driver driver(&disk, workload, 1, Trace(DatabaseState(workload.page_size), 0), 1);
  driver.Open();
  driver.Run(Step::kCommit);
  driver.Run(Step::kClose);
  ASSERT_EQ(driver.failure(), "");
  bool gone = false;
  for (const support::OperationPtr& operation : disk.Operations()) {
    gone |= operation->kind == support::OperationKind::kRemoveDirectory;
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace strata::crash
