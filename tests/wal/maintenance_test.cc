#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/disk_helpers.h"
#include "tests/wal/log_world.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using testing::ElementsAre;
using testing::HasSubstr;

// The background, under a clock that the test moves.

TEST(MaintenanceTest, NormalIsSyncedWithinItsTime) {
  LogWorld world;
  world.options.quiet_us = 100'000'000;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1, Durability::kNormal).ok());
  world.Pass(world.options.unsynced_us - 1);
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(0));
  world.Pass(1);
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(1));
}

TEST(MaintenanceTest, NormalIsSyncedWithinItsBytes) {
  LogWorld world;
  world.options.unsynced_bytes = 3 * 576;
  ASSERT_TRUE(world.Open().ok());
  for (uint64_t i = 1; i <= 3; ++i)
    ASSERT_TRUE(world.CommitPages({{1, i}}, 1, Durability::kNormal).ok());
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(0));
  ASSERT_TRUE(world.CommitPages({{1, 4}}, 1, Durability::kNormal).ok());
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(4));
}

TEST(MaintenanceTest, AMarkFollowsWhenTheLogGoesQuiet) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  EXPECT_EQ(RecoverLog(*world.disk, LogWorld::kDirectory)->durable, FrameNo(0));
  world.Pass(world.options.quiet_us - 1);
  EXPECT_EQ(RecoverLog(*world.disk, LogWorld::kDirectory)->durable, FrameNo(0));
  world.Pass(1);
  EXPECT_EQ(RecoverLog(*world.disk, LogWorld::kDirectory)->durable, FrameNo(1));
  const uint64_t operations = world.disk->operation_count();
  for (int i = 0; i < 20; ++i) world.Pass(1'000'000);
  EXPECT_EQ(world.disk->operation_count(), operations) << "a quiet log writes";
}

TEST(MaintenanceTest, OffIsNeverSynced) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1, Durability::kOff).ok());
  const auto syncs = [&] {
    int count = 0;
    for (const auto& each : world.disk->Operations())
      count += each->kind == support::OperationKind::kSync;
    return count;
  };
  const int before = syncs();
  for (int i = 0; i < 10; ++i) world.Pass(1'000'000);
  EXPECT_EQ(syncs(), before);
}

TEST(MaintenanceTest, ALongLogIsCheckpointedAndItsFilesRemoved) {
  LogWorld world;
  world.options.checkpoint_bytes = 8 * 576;
  world.options.segment_bytes = 4096 + 4 * 576;
  ASSERT_TRUE(world.Open().ok());
  for (uint64_t i = 1; i <= 40; ++i) {
    ASSERT_TRUE(world.CommitPages({{1, i}, {2, i}}, 2).ok());
    world.Pass(1'000);
  }
  EXPECT_LE(world.LogFileNames().size(), 6u);
  EXPECT_GE(world.log->state().index->floor(), FrameNo(60));
  EXPECT_THAT(*world.Read(), ElementsAre(40, 40));
}

TEST(CheckpointerTest, StopsAtTheOldestReader) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  Connection reader(world.log);
  ASSERT_TRUE(reader.BeginRead().ok());
  ASSERT_TRUE(world.CommitPages({{1, 6}}, 1).ok());
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(2), true, false).ok());
  EXPECT_EQ(world.log->state().index->floor(), FrameNo(1));
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase), PageBytes(1, 5));
  reader.EndRead();
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(2), true, false).ok());
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase), PageBytes(1, 6));
}

TEST(CheckpointerTest, AFailedSyncOfTheDatabaseFileIsNotTriedAgain) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  world.disk->FailOperation({.calls = support::kSyncCall});
  EXPECT_FALSE(world.log->Checkpoint(FrameNo(1), true, false).ok());
  EXPECT_FALSE(world.log->Checkpoint(FrameNo(1), true, false).ok());
  EXPECT_EQ(world.log->state().index->floor(), FrameNo(0));
  EXPECT_EQ(world.LogFileNames().size(), 1u);
  EXPECT_TRUE(world.CommitPages({{1, 6}}, 1).ok());
}

TEST(CheckpointerTest, AShrunkDatabaseIsCut) {
  LogWorld world;
  world.CreateDatabase(5);
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 2).ok());
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(6), true, false).ok());
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase).size(), 2 * kPageSize);
}

}  // namespace
}  // namespace strata::wal
