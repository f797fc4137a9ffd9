#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wal/power_loss.h"

// A sync that failed is never believed: what it should have made durable goes to a new file.
namespace strata::wal {
namespace {

using testing::ElementsAre;

class FailedSyncTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.Open().ok());
    ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  }
  void FailNextSync(bool for_ever = false) {
    world_.disk->FailOperation({.calls = support::kSyncCall, .for_ever = for_ever});
  }
  LogWorld world_;
};

TEST_F(FailedSyncTest, TheCommitSucceedsInANewFile) {
  FailNextSync();
  ASSERT_TRUE(world_.CommitPages({{2, 6}}, 2).ok());
  EXPECT_EQ(world_.disk->faults_fired(), 1u);
  EXPECT_EQ(world_.LogFileNames().size(), 2u);
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 6));
  ExpectAfterPowerLoss(world_, ElementsAre(5, 6));
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 2).ok());
  ExpectAfterPowerLoss(world_, ElementsAre(7, 6));
}

TEST_F(FailedSyncTest, NormalCommitsBeforeItMoveToo) {
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2, Durability::kNormal).ok());
  FailNextSync();
  ASSERT_TRUE(world_.CommitPages({{2, 7}}, 2).ok());
  ExpectAfterPowerLoss(world_, ElementsAre(6, 7));
}

TEST_F(FailedSyncTest, AnOpenTransactionMovesWhole) {
  Connection other(world_.log);
  ASSERT_TRUE(BeginWrite(*world_.connection).ok());
  ASSERT_TRUE(Spill(*world_.connection, {{1, 8}, {2, 8}}).ok());
  FailNextSync();
  ASSERT_TRUE(world_.log->state().commits->SyncNow().ok());
  ASSERT_TRUE(Commit(*world_.connection, {{2, 9}}, 2, Durability::kFull).ok());
  End(*world_.connection);
  EXPECT_THAT(*world_.Read(), ElementsAre(8, 9));
  ExpectAfterPowerLoss(world_, ElementsAre(8, 9));
}

TEST_F(FailedSyncTest, AnOpenTransactionInAFileWithoutACommitMovesWhole) {
  world_.Crash();
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(BeginWrite(*world_.connection).ok());
  world_.log->appender().CloseCurrent();  // the next frame starts a file
  ASSERT_TRUE(Spill(*world_.connection, {{1, 8}, {2, 8}}).ok());
  FailNextSync();
  ASSERT_TRUE(world_.log->state().commits->SyncNow().ok());
  ASSERT_TRUE(Commit(*world_.connection, {{2, 9}}, 2, Durability::kFull).ok());
  End(*world_.connection);
  EXPECT_THAT(*world_.Read(), ElementsAre(8, 9));
  ExpectAfterPowerLoss(world_, ElementsAre(8, 9));
}

TEST_F(FailedSyncTest, AnOpenTransactionThatMovedCanRollBack) {
  ASSERT_TRUE(BeginWrite(*world_.connection).ok());
  ASSERT_TRUE(Spill(*world_.connection, {{1, 8}, {2, 8}}).ok());
  FailNextSync();
  ASSERT_TRUE(world_.log->state().commits->SyncNow().ok());
  world_.connection->Undo();
  End(*world_.connection);
  ASSERT_TRUE(world_.CommitPages({{2, 9}}, 2).ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 9));
  ExpectAfterPowerLoss(world_, ElementsAre(5, 9));
}

TEST_F(FailedSyncTest, EarlierCommitsStayReadableWhenTheNewFileFailsToo) {
  FailNextSync(true);
  const absl::Status status = world_.CommitPages({{2, 6}}, 2);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 5));
  world_.disk->ClearFaults();
  EXPECT_EQ(world_.CommitPages({{2, 7}}, 2), world_.log->state().commits->failure());
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 5));
  world_.Crash();
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{2, 8}}, 2).ok());
  ExpectAfterPowerLoss(world_, ElementsAre(5, 8));
}

TEST_F(FailedSyncTest, TheMarkThatAllowsRemovalMovesToo) {
  ASSERT_TRUE(world_.connection->LockForWrite(0, nullptr) == WriteLock::Outcome::kAcquired);
  ASSERT_TRUE(world_.log->Checkpoint(segment::FrameNo(2), true, true).ok());
  world_.log->appender().CloseCurrent();
  // Sync 0 is that of the new file's header, sync 1 the mark's.
  world_.disk->FailOperation({.nth = 1, .calls = support::kSyncCall});
  ASSERT_TRUE(world_.log->Truncate().ok());
  world_.connection->UnlockForWrite();
  EXPECT_EQ(world_.disk->faults_fired(), 1u);
  ExpectAfterPowerLoss(world_, ElementsAre(5, 5));
}

TEST_F(FailedSyncTest, ASyncAfterDroppedCopiesCoversTheirFile) {
  world_.Crash();
  world_.options.unsynced_bytes = 1;
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2, Durability::kOff).ok());
  EXPECT_EQ(world_.log->appender().unsynced_bytes(), 0u);
  world_.log->appender().CloseCurrent();
  ASSERT_TRUE(world_.CommitPages({{2, 7}}, 2, Durability::kFull).ok());
  ExpectAfterPowerLoss(world_, ElementsAre(6, 7));
}

TEST_F(FailedSyncTest, DroppedCopiesMoveFromTheirFile) {
  world_.Crash();
  world_.options.unsynced_bytes = 1;
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2, Durability::kOff).ok());
  FailNextSync();
  ASSERT_TRUE(world_.CommitPages({{2, 7}}, 2, Durability::kFull).ok());
  ExpectAfterPowerLoss(world_, ElementsAre(6, 7));
}

}  // namespace
}  // namespace strata::wal
