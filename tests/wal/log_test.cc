#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/disk_helpers.h"
#include "tests/wal/log_world.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LogTest, CommitsAreThereAfterKill) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  ASSERT_TRUE(world.CommitPages({{2, 6}}, 2).ok());
  world.Crash();
  ASSERT_TRUE(world.Open().ok());
  EXPECT_THAT(*world.Read(), ElementsAre(5, 6));
}

TEST(LogTest, AdoptedDatabaseKeepsItsCommitsAfterKill) {
  LogWorld world;
  world.CreateDatabase(3);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_THAT(*world.Read(), ElementsAre(1, 1, 1));
  ASSERT_TRUE(world.CommitPages({{2, 5}}, 3).ok());
  world.Crash();
  ASSERT_TRUE(world.Open().ok());
  EXPECT_THAT(*world.Read(), ElementsAre(1, 5, 1));
}

TEST(LogTest, AdoptedDatabaseIsWholeAfterKillBeforeTheFirstCommit) {
  LogWorld world;
  world.CreateDatabase(3);
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(BeginWrite(*world.connection).ok());
  ASSERT_TRUE(Spill(*world.connection, {{2, 7}}).ok());
  world.Crash();
  ASSERT_TRUE(world.Open().ok());
  EXPECT_THAT(*world.Read(), ElementsAre(1, 1, 1));
  ASSERT_TRUE(world.CommitPages({{2, 5}}, 3).ok());
  world.Crash();
  ASSERT_TRUE(world.Open().ok());
  EXPECT_THAT(*world.Read(), ElementsAre(1, 5, 1));
}

TEST(LogTest, CleanCloseWithoutStoreLeavesOnePlainFile) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  ASSERT_TRUE(world.Close().ok());
  EXPECT_THAT(*world.disk->List("/"), ElementsAre("app.db"));
  std::vector<uint8_t> expected = PageBytes(1, 5);
  const std::vector<uint8_t> second = PageBytes(2, 5);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase), expected);
}

TEST(LogTest, CloseOfAnUnusedLogLeavesNothing) {
  LogWorld world;
  world.CreateDatabase(1);
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.Close().ok());
  EXPECT_THAT(*world.disk->List("/"), ElementsAre("app.db"));
}

TEST(LogTest, ASnapshotIsStaleOnceTheNextCommitIsVisible) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  Connection reader(world.log);
  ASSERT_TRUE(reader.BeginRead().ok());
  CommitQueue& commits = *world.log->state().commits;
  const CommitPoint last = commits.appended();
  // As another thread's commit stands while its sync is under way.
  commits.Append(CommitPoint{last.frame.next(), 1, last.time_us}, Durability::kFull);
  EXPECT_TRUE(absl::IsUnavailable(reader.BeginWrite()));
  ASSERT_TRUE(commits.SyncNow().ok());
  EXPECT_TRUE(absl::IsAborted(reader.BeginWrite()));
}

TEST(LogTest, AfterARollbackThatCouldNotReadTheSnapshotCountsAsChanged) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  Connection& connection = *world.connection;
  ASSERT_TRUE(connection.BeginRead().ok());
  connection.EndRead();
  EXPECT_FALSE(connection.BeginRead().value());
  ASSERT_TRUE(connection.BeginWrite().ok());
  connection.Undo();
  world.disk->FailOperation({.calls = support::kReadCall, .for_ever = true});
  std::vector<uint8_t> page(kPageSize);
  EXPECT_FALSE(
      connection.ReadFrame(connection.FindFrame(segment::PageNo(1)), absl::MakeSpan(page)).ok());
  world.disk->ClearFaults();
  ASSERT_TRUE(connection.EndWrite().ok());
  connection.EndRead();
  EXPECT_TRUE(connection.BeginRead().value());
  connection.EndRead();
}

TEST(LogTest, TheLastCopiedFrameIsFoundAfterACheckpointThatWasCutShort) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  ASSERT_TRUE(world.CommitPages({{1, 6}, {2, 6}}, 2).ok());
  ASSERT_TRUE(world.CommitPages({{2, 7}}, 2).ok());
  int pages = 0;
  CheckpointWatcher watcher;
  watcher.interrupted = [&] { return pages++ == 1; };
  const FrameNo tip = world.log->state().commits->visible_frame();
  EXPECT_TRUE(absl::IsCancelled(world.log->Checkpoint(tip, true, false, watcher)));
  world.Crash();
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.log->recovered_end(), tip);
  // Page 1 of the second commit was copied: who reads the first one finds it.
  EXPECT_EQ(world.log->OldestWhole().value(), FrameNo(3));
}

TEST(LogTest, WhoMustBeAloneIsRefusedBesideOthers) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  LogPlace place = world.Place();
  place.alone = true;
  const auto second = Log::Open(place, {}, world.World(), world.options);
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("app.db"));
  world.Crash();
  EXPECT_TRUE(Log::Open(place, {}, world.World(), world.options).ok());
}

TEST(LogTest, NetworkFileSystemIsRefused) {
  LogWorld world;
  world.disk->set_network(true);
  EXPECT_TRUE(absl::IsFailedPrecondition(world.Open()));
  EXPECT_THAT(*world.disk->List("/"), IsEmpty());
}

// But what processes share.
TEST(LogTest, ReadOnlyReadsAndWritesNothing) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  world.Crash();
  const auto files = [&] {
    auto all = world.disk->Files();
    for (const char* shared : {"/app.db-wal/lock", "/app.db-wal/shm"}) all.erase(shared);
    return all;
  };
  const auto before = files();
  world.read_only = true;
  ASSERT_TRUE(world.Open().ok());
  EXPECT_THAT(*world.Read(), ElementsAre(5));
  EXPECT_TRUE(absl::IsPermissionDenied(world.CommitPages({{1, 6}}, 1)));
  EXPECT_TRUE(absl::IsPermissionDenied(world.log->Checkpoint(segment::FrameNo(1), true, false)));
  EXPECT_TRUE(world.Close().ok());
  EXPECT_EQ(files(), before);
}

TEST(LogTest, OtherPageSizeIsRefused) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  ASSERT_TRUE(BeginWrite(*world.connection).ok());
  const std::vector<uint8_t> page = PageBytes(1, 6, 1024);
  const PageRef ref{segment::PageNo(1), page.data()};
  EXPECT_TRUE(absl::IsInvalidArgument(
      world.connection->Write(1024, {&ref, 1}, true, 1, Durability::kFull)));
  world.connection->Undo();
  End(*world.connection);
  EXPECT_THAT(*world.Read(), ElementsAre(5));
}

TEST(LogTest, TruncateKillCommitKillLosesNothing) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  ASSERT_TRUE(world.connection->LockForWrite(0, nullptr) == WriteLock::Outcome::kAcquired);
  ASSERT_TRUE(world.log->Checkpoint(segment::FrameNo(2), true, true).ok());
  ASSERT_TRUE(world.log->Truncate().ok());
  world.connection->UnlockForWrite();
  EXPECT_EQ(world.LogFileNames().size(), 1u);
  for (uint64_t round = 6; round < 9; ++round) {
    world.Crash();
    ASSERT_TRUE(world.Open().ok()) << round;
    EXPECT_THAT(*world.Read(), ElementsAre(5, round - 1));
    ASSERT_TRUE(world.CommitPages({{2, round}}, 2).ok());
  }
}

TEST(LogTest, AnUnusedDirectoryDoesNotStopTheNextClose) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(BeginWrite(*world.connection).ok());
  ASSERT_TRUE(Spill(*world.connection, {{1, 7}}).ok());
  world.Crash();
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.Close().ok());
  EXPECT_THAT(*world.disk->List("/"), testing::Not(testing::Contains("app.db-wal")));
}

TEST(LogTest, ALogOverItsLimitFailsCommitsWhileAReaderHoldsAnOldSnapshot) {
  LogWorld world;
  world.options.log_bytes = 3000;
  ASSERT_TRUE(world.Open().ok());
  for (uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(world.CommitPages({{1, i}}, 1).ok()) << i;
  Connection reader(world.log);
  ASSERT_TRUE(reader.BeginRead().ok());
  absl::Status status;
  for (uint64_t i = 21; status.ok() && i <= 40; ++i) status = world.CommitPages({{1, i}}, 1);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("a reader holds"));
  EXPECT_EQ(reader.snapshot().frame, segment::FrameNo(20));
  reader.EndRead();
  EXPECT_TRUE(world.CommitPages({{1, 50}}, 1).ok());
  EXPECT_THAT(*world.Read(), ElementsAre(50));
}

}  // namespace
}  // namespace strata::wal
