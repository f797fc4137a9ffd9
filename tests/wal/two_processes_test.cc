// Two logs over one simulated disk, each with its own open files: as far as locks, memory and files
// go, two processes.
#include "tests/wal/two_processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "io/store_url.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using testing::IsEmpty;

constexpr int kMostCommits = 300;

// Commits, and lets the background of `process` run, until `done`.
template <typename Done>
bool CommitUntil(TwoProcesses& both, TwoProcesses::Process& process, const Done& done) {
  for (uint64_t round = 1; round <= kMostCommits; ++round) {
    if (done()) return true;
    EXPECT_TRUE(process.Commit({{1, round}, {2, round}}, 2).ok());
    both.clock.Advance(150'000);
    process.log->RunMaintenance();
  }
  return false;
}

// `a` anew, with log files that hold more than a commit and soon go.
absl::Status WithFilesToUseAgain(TwoProcesses* both) {
  for (TwoProcesses::Process* process : {&both->a, &both->b}) {
    process->options.segment_bytes = 64 * kPageSize;
    process->options.checkpoint_bytes = 1;
  }
  const absl::Status closed = both->a.Close();
  return closed.ok() ? both->Open(&both->a) : closed;
}

uint64_t CurrentWrittenBefore(const TwoProcesses::Process& process) {
  LogState& state = process.log->state();
  io::MutexLock lock(&state.append_mutex);
  return state.current == nullptr ? 0 : state.current->written_before();
}

TEST(TwoProcessesTest, EachReadsWhatTheOtherCommitted) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}, {2, 2}}, 2).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1, 2}));
  both.a.log->HandOver();
  ASSERT_TRUE(both.b.Commit({{2, 3}, {3, 4}}, 3).ok());
  EXPECT_EQ(both.a.Read().value(), (Versions{1, 3, 4}));
  both.b.log->HandOver();
  ASSERT_TRUE(both.a.Commit({{1, 5}}, 3).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{5, 3, 4}));
}

TEST(TwoProcessesTest, AProcessThatOpensBeforeTheFirstCommitFollowsIt) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  both.a.log->HandOver();
  ASSERT_TRUE(both.b.Commit({{1, 2}}, 1).ok());
  EXPECT_EQ(both.a.Read().value(), (Versions{2}));
}

TEST(TwoProcessesTest, ACheckpointSyncsTheCommitsOfOneWhoLetGo) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  for (TwoProcesses::Process* process : {&both.a, &both.b}) {
    ASSERT_TRUE(both.a.Commit({{1, 1}, {2, 2}}, 2, Durability::kNormal).ok());
    both.a.log->HandOver();
    LogState& state = process->log->state();
    ASSERT_LT(state.commits->synced(), state.commits->visible_frame());
    ASSERT_TRUE(process->log->Checkpoint(state.commits->visible_frame(), true, false).ok());
    EXPECT_EQ(state.index->floor(), state.commits->visible_frame());
    process->log->HandOver();
  }
}

TEST(TwoProcessesTest, OneThatIsAloneCallsForItsWriteAndItsSyncAlone) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  const uint64_t calls = both.disk->call_count();
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1, Durability::kNormal).ok());
  EXPECT_EQ(both.disk->call_count() - calls, 1u);
  ASSERT_TRUE(both.a.Commit({{1, 3}}, 1, Durability::kFull).ok());
  EXPECT_EQ(both.disk->call_count() - calls, 3u);
}

TEST(TwoProcessesTest, AReadBesideOthersCallsForNothingWhereNothingChanged) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  const uint64_t calls = both.disk->call_count();
  EXPECT_FALSE(both.b.connection->BeginRead().value());
  both.b.connection->EndRead();
  EXPECT_EQ(both.disk->call_count(), calls);
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1).ok());
  EXPECT_TRUE(both.b.connection->BeginRead().value());
  both.b.connection->EndRead();
  EXPECT_GT(both.disk->call_count(), calls);
}

TEST(TwoProcessesTest, AnOpenTransactionElsewhereKeepsNobodyFromComing) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(BeginWrite(*both.a.connection).ok());
  ASSERT_TRUE(Spill(*both.a.connection, {{1, 9}, {2, 9}}).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  EXPECT_EQ(both.b.connection->LockForWrite(0, nullptr), WriteLock::Outcome::kTimedOut);
  ASSERT_TRUE(Commit(*both.a.connection, {{1, 2}}, 2, Durability::kFull).ok());
  End(*both.a.connection);
  EXPECT_EQ(both.b.Read().value(), (Versions{2, 9}));
}

TEST(TwoProcessesTest, AskedForTheLogItsOwnerHandsItOverWithTheNextRelease) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  EXPECT_TRUE(both.a.log->ownership().owned());
  EXPECT_EQ(both.b.connection->LockForWrite(1'000, nullptr), WriteLock::Outcome::kTimedOut);
  both.clock.Advance(1'000);
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1).ok());
  EXPECT_FALSE(both.a.log->ownership().owned());
  ASSERT_TRUE(both.b.Commit({{1, 3}}, 1).ok());
  EXPECT_EQ(both.a.Read().value(), (Versions{3}));
}

TEST(TwoProcessesTest, UnsyncedCommitsPassAndTheNewOwnerSyncsThem) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1, Durability::kNormal).ok());
  both.a.log->HandOver();
  ASSERT_LT(both.b.log->state().commits->synced(), FrameNo(1));
  ASSERT_TRUE(both.b.Commit({{1, 2}}, 1, Durability::kNormal).ok());
  ASSERT_TRUE(both.b.log->state().commits->SyncNow().ok());
  EXPECT_EQ(both.PowerCut().value(), (Versions{2}));
}

TEST(TwoProcessesTest, AFailedSyncTakesCommitsOfOtherProcessesToTheNewFile) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}, {2, 2}}, 2, Durability::kNormal).ok());
  both.a.log->HandOver();
  ASSERT_TRUE(BeginWrite(*both.b.connection).ok());
  both.disk->FailOperation({.nth = 0, .calls = support::kSyncCall});
  ASSERT_TRUE(Commit(*both.b.connection, {{1, 3}}, 2, Durability::kFull).ok());
  End(*both.b.connection);
  EXPECT_EQ(both.disk->faults_fired(), 1u);
  EXPECT_EQ(both.a.Read().value(), (Versions{3, 2}));
  EXPECT_EQ(both.PowerCut().value(), (Versions{3, 2}));
}

TEST(TwoProcessesTest, OfADeadOwnerWhatItPublishedIsKeptAndMadeDurable) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1, Durability::kNormal).ok());
  both.a.Kill();
  ASSERT_TRUE(both.b.Commit({{2, 2}}, 2, Durability::kNormal).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1, 2}));
  EXPECT_GE(both.b.log->state().commits->synced(), FrameNo(1));
}

// Stands for walcrash2.test of SQLite's suite.
TEST(TwoProcessesTest, OfADeadOwnerAnOpenTransactionIsForgotten) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(BeginWrite(*both.a.connection).ok());
  ASSERT_TRUE(Spill(*both.a.connection, {{1, 9}, {2, 9}}).ok());
  both.a.Kill();
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  ASSERT_TRUE(both.b.Commit({{2, 2}}, 2).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1, 2}));
  ASSERT_TRUE(both.Open(&both.a).ok());
  EXPECT_EQ(both.a.Read().value(), (Versions{1, 2}));
}

TEST(TwoProcessesTest, CommitsOfADeadProcessAreSyncedInTimeWithoutAWriter) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1, Durability::kNormal).ok());
  both.a.Kill();
  ASSERT_EQ(both.b.Read().value(), (Versions{1}));
  both.b.log->RunMaintenance();
  both.clock.Advance(1'100'000);
  both.b.log->RunMaintenance();
  EXPECT_EQ(both.PowerCut().value(), (Versions{1}));
}

TEST(TwoProcessesTest, CommitsOfALogThatWasHandedToOneThatDiedAreSyncedInTime) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1, Durability::kNormal).ok());
  both.a.log->HandOver();
  both.b.Kill();
  for (int round = 0; round < 4; ++round) {
    both.a.log->RunMaintenance();
    both.clock.Advance(500'000);
  }
  both.a.log->RunMaintenance();
  EXPECT_EQ(both.PowerCut().value(), (Versions{2}));
}

TEST(TwoProcessesTest, NoCheckpointPassesAReaderOfAnotherProcess) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}, {2, 1}}, 2).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.b.connection->BeginRead().ok());
  const FrameNo snapshot = both.b.connection->snapshot().frame;
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 2).ok());
  ASSERT_TRUE(both.a.log->Checkpoint(FrameNo(100), true, false).ok());
  EXPECT_EQ(both.a.log->state().index->floor(), snapshot);
  both.b.connection->EndRead();
  ASSERT_TRUE(both.a.log->Checkpoint(FrameNo(100), true, false).ok());
  EXPECT_EQ(both.a.log->state().index->floor(), FrameNo(3));
  EXPECT_EQ(both.b.Read().value(), (Versions{2, 1}));
}

TEST(TwoProcessesTest, AReaderThatDiedHoldsNoCheckpointUp) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.b.connection->BeginRead().ok());
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1).ok());
  both.b.Kill();
  ASSERT_TRUE(both.a.log->Checkpoint(FrameNo(100), true, false).ok());
  EXPECT_EQ(both.a.log->state().index->floor(), FrameNo(2));
}

TEST(TwoProcessesTest, EitherMayCheckpointAndTheOtherReadsOn) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  for (uint64_t version = 1; version <= 60; ++version) {
    TwoProcesses::Process& writer = version % 3 == 0 ? both.b : both.a;
    TwoProcesses::Process& other = version % 3 == 0 ? both.a : both.b;
    other.log->HandOver();
    const uint32_t page = 1 + static_cast<uint32_t>(version % 5);
    ASSERT_TRUE(writer.Commit({{page, version}}, 5).ok());
    if (version % 7 == 0) {
      ASSERT_TRUE(other.log->Checkpoint(FrameNo(1000), true, false).ok());
    }
    ASSERT_EQ(other.Read().value()[page - 1], version);
    ASSERT_EQ(writer.Read().value()[page - 1], version);
  }
  both.a.log->HandOver();
  both.b.log->HandOver();
  ASSERT_TRUE(both.b.log->Checkpoint(FrameNo(1000), true, false).ok());
  EXPECT_LT(both.LogFiles().size(), 4u);
}

TEST(TwoProcessesTest, TheLastToCloseCleansUp) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(both.a.Close().ok());
  EXPECT_TRUE(both.disk->Stat("/app.db-wal/lock").ok());
  ASSERT_TRUE(both.b.Commit({{2, 2}}, 2).ok());
  ASSERT_TRUE(both.b.Close().ok());
  EXPECT_TRUE(absl::IsNotFound(both.disk->Stat("/app.db-wal").status()));
  EXPECT_EQ(both.disk->Files()["/app.db"].size(), 2 * kPageSize);
}

TEST(TwoProcessesTest, TheLastToCloseCleansUpAfterADeadOneToo) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1, Durability::kNormal).ok());
  both.a.Kill();
  ASSERT_TRUE(both.b.Close().ok());
  EXPECT_TRUE(absl::IsNotFound(both.disk->Stat("/app.db-wal").status()));
  EXPECT_EQ(both.disk->Files()["/app.db"].size(), kPageSize);
}

TEST(TwoProcessesTest, WhoComesAfterAllDiedRecovers) {
  TwoProcesses both;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  both.a.Kill();
  both.b.Kill();
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  ASSERT_TRUE(both.b.Commit({{1, 2}}, 1).ok());
  EXPECT_EQ(both.PowerCut().value(), (Versions{2}));
}

// A log that stopped because no sync of `a` succeeded: what it did not acknowledge is given up.
class StoppedByAnotherTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(both_.Open(&both_.b).ok());
    ASSERT_TRUE(both_.a.Commit({{1, 1}, {2, 1}}, 2).ok());
    ASSERT_TRUE(both_.a.Commit({{2, 2}}, 2, Durability::kNormal).ok());
    both_.disk->FailOperation({.nth = 0, .calls = support::kSyncCall, .for_ever = true});
    EXPECT_FALSE(both_.a.Commit({{1, 9}, {3, 9}}, 3).ok());
    EXPECT_EQ(both_.b.Read().value(), (Versions{1, 2}));
  }
  void ExpectBothGoOn() {
    EXPECT_EQ(both_.b.Read().value(), (Versions{1, 2, 4}));
    EXPECT_EQ(both_.PowerCut().value(), (Versions{1, 2, 4}));
    if (both_.a.log == nullptr) {
      ASSERT_TRUE(both_.Open(&both_.a).ok());
    }
    EXPECT_EQ(both_.a.Read().value(), (Versions{1, 2, 4}));
    both_.b.log->HandOver();
    ASSERT_TRUE(both_.a.Commit({{1, 5}}, 3).ok());
    EXPECT_EQ(both_.b.Read().value(), (Versions{5, 2, 4}));
    EXPECT_EQ(both_.PowerCut().value(), (Versions{5, 2, 4}));
  }
  TwoProcesses both_;
};

TEST_F(StoppedByAnotherTest, TakesNoWritesOfAnyProcess) {
  both_.a.log->HandOver();
  EXPECT_FALSE(both_.b.Commit({{1, 3}}, 2).ok());
  EXPECT_EQ(both_.b.Read().value(), (Versions{1, 2}));
}

TEST_F(StoppedByAnotherTest, GoesOnWhereTheOtherHandsOver) {
  both_.disk->ClearFaults();
  both_.a.log->HandOver();
  ASSERT_TRUE(both_.b.Commit({{3, 4}}, 3).ok());
  ExpectBothGoOn();
}

TEST_F(StoppedByAnotherTest, GoesOnWhereTheOtherDied) {
  both_.disk->ClearFaults();
  both_.a.Kill();
  ASSERT_TRUE(both_.b.Commit({{3, 4}}, 3).ok());
  ExpectBothGoOn();
}

TEST_F(StoppedByAnotherTest, GoesOnInTheSameProcessAndTheOtherFollows) {
  both_.disk->ClearFaults();
  ASSERT_TRUE(both_.a.Commit({{3, 4}}, 3).ok());
  ExpectBothGoOn();
}

TEST(TwoProcessesTest, FilesAreUsedAgainOnlyByOneThatIsAlone) {
  TwoProcesses both;
  ASSERT_TRUE(WithFilesToUseAgain(&both).ok());
  ASSERT_TRUE(CommitUntil(both, both.a, [&] { return !both.KeptFiles().empty(); }));
  const std::vector<std::string> kept = both.KeptFiles();
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_FALSE(CommitUntil(both, both.a, [&] { return both.KeptFiles() != kept; }));
  EXPECT_LT(both.LogFiles().size(), 4u) << "old files stay";
  ASSERT_TRUE(both.b.Close().ok());
  EXPECT_TRUE(CommitUntil(both, both.a, [&] { return both.KeptFiles() != kept; }));
}

TEST(TwoProcessesTest, WhoLeavesOthersTakesTheFilesItKept) {
  TwoProcesses both;
  ASSERT_TRUE(WithFilesToUseAgain(&both).ok());
  ASSERT_TRUE(CommitUntil(both, both.a, [&] { return !both.KeptFiles().empty(); }));
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Close().ok());
  EXPECT_THAT(both.KeptFiles(), IsEmpty());
  ASSERT_TRUE(both.b.Commit({{1, 1}}, 2).ok());
  EXPECT_EQ(both.b.Read().value()[0], 1u);
}

// A process that takes over from a dead one removes every unfinished file.
TEST(TwoProcessesTest, AKeptFileThatAnotherProcessRemovedIsNotMissed) {
  TwoProcesses both;
  ASSERT_TRUE(WithFilesToUseAgain(&both).ok());
  ASSERT_TRUE(CommitUntil(both, both.a, [&] { return !both.KeptFiles().empty(); }));
  for (const std::string& name : both.KeptFiles())
    ASSERT_TRUE(both.disk->Unlink("/app.db-wal/" + name).ok());
  EXPECT_TRUE(CommitUntil(both, both.a, [&] { return !both.KeptFiles().empty(); }));
  EXPECT_EQ(both.logger.text(), "");
}

TEST(TwoProcessesTest, AnOldFileThatADeadProcessRemovedHoldsNothingUp) {
  TwoProcesses both;
  both.a.options.checkpoint_bytes = 1ull << 40;
  ASSERT_TRUE(both.a.Close().ok());
  ASSERT_TRUE(both.Open(&both.a).ok());
  ASSERT_TRUE(CommitUntil(both, both.a, [&] { return both.LogFiles().size() == 4; }));
  ASSERT_TRUE(both.disk->Unlink("/app.db-wal/" + both.LogFiles().front()).ok());
  ASSERT_TRUE(both.a.log->Checkpoint(FrameNo(1000), true, false).ok());
  EXPECT_LT(both.LogFiles().size(), 3u);
}

// A file that was written through and looked new to each owner would be ended, and another written
// through, each time the log changes hands.
TEST(TwoProcessesTest, AFileThatWasWrittenThroughIsKnownToTheNextOwner) {
  TwoProcesses both;
  ASSERT_TRUE(WithFilesToUseAgain(&both).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(CommitUntil(both, both.a, [&] { return CurrentWrittenBefore(both.a) > 0; }));
  const uint64_t bytes = CurrentWrittenBefore(both.a);
  both.a.log->HandOver();
  ASSERT_TRUE(both.b.Commit({{1, 1}}, 2).ok());
  EXPECT_EQ(CurrentWrittenBefore(both.b), bytes);
}

TEST(TwoProcessesTest, OldFilesGoWhileBothWrite) {
  TwoProcesses both;
  both.a.options.checkpoint_bytes = both.b.options.checkpoint_bytes = 1;
  ASSERT_TRUE(both.a.Close().ok());
  ASSERT_TRUE(both.Open(&both.a).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  for (uint64_t version = 1; version <= 100; ++version) {
    TwoProcesses::Process& writer = version % 2 == 0 ? both.a : both.b;
    TwoProcesses::Process& other = version % 2 == 0 ? both.b : both.a;
    other.log->HandOver();
    ASSERT_TRUE(writer.Commit({{1, version}}, 2).ok());
    both.clock.Advance(10'000);
    writer.log->RunMaintenance();
    ASSERT_LT(both.LogFiles().size(), 8u) << version;
  }
  EXPECT_EQ(both.PowerCut().value()[0], 100u);
}

TEST(TwoProcessesTest, AReadOnlyOneReadsBesideAWriter) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  both.b.read_only = true;
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{2}));
  ASSERT_TRUE(both.b.Close().ok());
  ASSERT_TRUE(both.a.Close().ok());
}

TEST(TwoProcessesTest, AWriterComesAfterAReadOnlyOneThatFoundACrash) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1, Durability::kNormal).ok());
  both.a.Kill();
  both.b.read_only = true;
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  ASSERT_TRUE(both.Open(&both.a).ok());
  ASSERT_TRUE(both.a.Commit({{2, 2}}, 2, Durability::kNormal).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1, 2}));
}

// An epoch is the log's, not a process's.
TEST(TwoProcessesTest, AnEpochThatAnotherProcessClaimedFencesNoneOfThisLog) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Close().ok());
  ASSERT_TRUE(both.disk->CreateDirectory("/store").ok());
  both.store = {io::LocalStoreUrl("/store"), "app"};
  for (TwoProcesses::Process* process : {&both.a, &both.b}) {
    process->options.seal_after_us = 1'000'000;
  }
  const auto ship = [&](TwoProcesses::Process& process, TwoProcesses::Process& other,
                        uint64_t version) {
    other.log->HandOver();
    ASSERT_TRUE(process.Commit({{1, version}}, 1).ok());
    both.clock.Advance(3'000'000);
    process.log->RunMaintenance();
    EXPECT_EQ(process.log->stored_frame(), FrameNo(version)) << both.logger.text();
  };
  ASSERT_TRUE(both.Open(&both.a).ok());
  both.b.options.takeover = true;
  ASSERT_TRUE(both.Open(&both.b).ok());
  ship(both.a, both.b, 1);
  ship(both.b, both.a, 2);
  EXPECT_EQ(both.b.log->state().identity.epoch, segment::Epoch(2));
  ship(both.a, both.b, 3);
  ship(both.b, both.a, 4);
  EXPECT_EQ(both.a.log->state().identity.epoch, segment::Epoch(2));
  EXPECT_EQ(both.logger.text(), "");
}

TEST(TwoProcessesTest, WhoSkippedFramesInTheIndexStillKnowsWhereFilesEnd) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  ASSERT_TRUE(both.Open(&both.b).ok());
  ASSERT_TRUE(both.a.Commit({{1, 2}}, 1).ok());
  ASSERT_TRUE(both.a.Commit({{1, 3}}, 1).ok());
  ASSERT_TRUE(both.a.log->Checkpoint(FrameNo(100), true, true).ok());
  both.a.log->HandOver();
  ASSERT_TRUE(BeginWrite(*both.b.connection).ok());  // its index starts at the checkpoint
  End(*both.b.connection);
  both.b.log->HandOver();
  ASSERT_TRUE(both.a.Commit({{1, 4}}, 1).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{4}));
}

TEST(TwoProcessesTest, OnReadOnlyMediaOneReadsAloneAndIsRefusedBesideOthers) {
  TwoProcesses both;
  ASSERT_TRUE(both.a.Commit({{1, 1}}, 1).ok());
  both.b.read_only = true;
  const support::InjectedFault no_writes{.calls = support::kCreateCall | support::kUnlinkCall,
                                         .status = absl::PermissionDeniedError("read-only"),
                                         .for_ever = true};
  both.disk->FailOperation(no_writes);
  EXPECT_TRUE(absl::IsPermissionDenied(both.Open(&both.b)));
  both.a.Kill();
  ASSERT_TRUE(both.Open(&both.b).ok());
  EXPECT_EQ(both.b.Read().value(), (Versions{1}));
  both.disk->ClearFaults();
  EXPECT_TRUE(absl::IsUnavailable(both.Open(&both.a))) << "beside one who cannot be told";
  ASSERT_TRUE(both.b.Close().ok());
  EXPECT_TRUE(both.Open(&both.a).ok());
}

}  // namespace
}  // namespace strata::wal
