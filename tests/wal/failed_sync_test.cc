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
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 5));
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 2).ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(7, 5));
  ExpectAfterPowerLoss(world_, ElementsAre(7, 5));
}

TEST_F(FailedSyncTest, ALogThatStoppedGoesOnWithTheNextWrite) {
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2, Durability::kNormal).ok());
  FailNextSync(true);
  EXPECT_FALSE(world_.CommitPages({{2, 9}, {3, 9}, {4, 9}}, 4).ok());
  EXPECT_FALSE(world_.CommitPages({{2, 9}}, 2).ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(6, 5)) << "what was acknowledged stays";
  world_.disk->ClearFaults();
  ASSERT_TRUE(world_.CommitPages({{3, 7}}, 3).ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(6, 5, 7));
  ExpectAfterPowerLoss(world_, ElementsAre(6, 5, 7));
  world_.Crash();
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(6, 5, 7));
  ASSERT_TRUE(world_.Close().ok());
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(6, 5, 7)) << "in the database file";
}

TEST_F(FailedSyncTest, WhatWasGivenUpIsReadFromTheDatabaseFileToo) {
  ASSERT_TRUE(world_.Close().ok());
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2).ok());
  FailNextSync(true);
  EXPECT_FALSE(world_.CommitPages({{2, 9}}, 2).ok());
  world_.disk->ClearFaults();
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 2).ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(7, 5));
  ExpectAfterPowerLoss(world_, ElementsAre(7, 5));
}

TEST_F(FailedSyncTest, AReaderOfALogThatStoppedKeepsItsSnapshot) {
  Connection reader(world_.log);
  ASSERT_TRUE(reader.BeginRead().ok());
  FailNextSync(true);
  EXPECT_FALSE(world_.CommitPages({{1, 9}, {2, 9}}, 2).ok());
  world_.disk->ClearFaults();
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 2).ok());
  std::vector<uint8_t> page(kPageSize);
  for (uint32_t number : {1, 2}) {
    const segment::FrameNo frame = reader.FindFrame(segment::PageNo(number));
    ASSERT_TRUE(reader.ReadFrame(frame, absl::MakeSpan(page)).ok());
    EXPECT_EQ(VersionOf(number, page), 5u);
  }
  reader.EndRead();
  ASSERT_TRUE(reader.BeginRead().ok());
  EXPECT_THAT(*ReadVersions(reader, {}), ElementsAre(7, 5));
}

TEST_F(FailedSyncTest, TheBackgroundRevivesALogThatStopped) {
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2, Durability::kNormal).ok());
  FailNextSync(true);
  world_.Pass(2'000'000);
  EXPECT_TRUE(world_.log->state().commits->failed());
  world_.Pass(2'000'000);
  EXPECT_TRUE(world_.log->state().commits->failed());
  world_.disk->ClearFaults();
  world_.Pass(2'000'000);
  EXPECT_FALSE(world_.log->state().commits->failed());
  ExpectAfterPowerLoss(world_, ElementsAre(6, 5));
  EXPECT_LE(world_.LogFileNames().size(), 2u) << "tries leave no files";
}

TEST_F(FailedSyncTest, ACloseMakesDurableWhatALogThatStoppedHolds) {
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2, Durability::kNormal).ok());
  FailNextSync(true);
  EXPECT_FALSE(world_.CommitPages({{2, 9}}, 2).ok());
  world_.disk->ClearFaults();
  ASSERT_TRUE(world_.Close().ok());
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(6, 5));
}

// The first commit of all: what is visible is a database of no page.
TEST_F(FailedSyncTest, AFirstCommitThatIsGivenUpLeavesNothing) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.log->PrepareToWrite(kPageSize).ok());
  // Sync 0 is that of the identity and of the new file; the commit's own comes last.
  for (uint64_t nth = 0; nth < 8; ++nth) {
    world.disk->FailOperation({.nth = nth, .calls = support::kSyncCall, .for_ever = true});
    if (!world.CommitPages({{1, 9}, {2, 9}}, 2).ok() && world.log->state().commits->failed()) break;
    world.disk->ClearFaults();
  }
  ASSERT_TRUE(world.log->state().commits->failed());
  world.disk->ClearFaults();
  ASSERT_TRUE(world.CommitPages({{1, 3}}, 1).ok());
  EXPECT_THAT(*world.Read(), ElementsAre(3));
  ExpectAfterPowerLoss(world, ElementsAre(3));
}

TEST_F(FailedSyncTest, PowerMayFailAtAnyMomentOfARevival) {
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 2).ok());
  FailNextSync(true);
  EXPECT_FALSE(world_.CommitPages({{2, 9}}, 2).ok());
  world_.disk->ClearFaults();
  const uint64_t begun = world_.disk->operation_count();
  ASSERT_TRUE(world_.connection->LockForWrite(0, nullptr) == WriteLock::Outcome::kAcquired);
  const uint64_t revived = world_.disk->operation_count();
  world_.connection->UnlockForWrite();
  ASSERT_GT(revived, begun + 3);
  for (uint64_t cut = begun; cut <= revived; ++cut) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      LogWorld after(support::CrashImage(*world_.disk, cut,
                                         {.seed = seed, .policy = support::CrashPolicy::kRandom}));
      ASSERT_TRUE(after.Open().ok());
      const Versions found = *after.Read();
      const bool may_be_there = cut < revived && found == Versions{6, 9};
      EXPECT_TRUE(may_be_there || found == (Versions{6, 5})) << cut;
    }
  }
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
