#include "compactor/restore.h"

#include <sys/stat.h>

#include <filesystem>

#include "compactor/hash_column.h"
#include "compactor/page_fetcher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/compactor/store_fixture.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using segment::SegmentKey;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RestoreTest : public StoreFixture {
 protected:
  absl::StatusOr<ResolvedTarget> Resolve(const RestoreTarget& target) {
    history_ = *LoadHistory(store(), "app");
    return ResolveTarget(&store(), &cache_, history_, target);
  }
  static RestoreTarget AtFrame(uint64_t frame) {
    RestoreTarget target;
    target.frame = FrameNo(frame);
    return target;
  }
  static RestoreTarget AtTime(int64_t time_us) {
    RestoreTarget target;
    target.time_us = time_us;
    return target;
  }
  size_t FilesInDirectory() const {
    auto begin = std::filesystem::directory_iterator(directory());
    return std::distance(begin, std::filesystem::directory_iterator());
  }

  NamespaceHistory history_;
  BlockCache cache_;
};

class RestorePageSizes : public RestoreTest, public testing::WithParamInterface<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(All, RestorePageSizes, testing::Values(512, 1024, 4096, 65536));

TEST_P(RestorePageSizes, EveryFrameGivesTheCommitAtOrBeforeIt) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  ModelLog log(&store(), "app", GetParam());
  log.Claim(1, 1);
  log.ShipBase({log.Page(1), log.Page(2), log.Page(3)});
  FillRandomly(&log, &random, 15);
  for (uint64_t frame = 3; frame <= log.last_frame().value(); ++frame) {
    auto restored = RestoredAt(frame);
    ASSERT_TRUE(restored.ok()) << restored.status();
    ASSERT_EQ(*restored, log.StateAt(frame)->Bytes()) << "frame " << frame;
  }
  EXPECT_EQ(*RestoredAt(), log.states().back().Bytes());
}

TEST_F(RestoreTest, ATimeGivesTheCommitAtOrBeforeIt) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  std::mt19937 random(5);
  FillRandomly(&log, &random, 30);
  for (size_t i = 0; i < log.states().size(); ++i) {
    const ModelLog::State& state = log.states()[i];
    for (int64_t after : {0, 999'999}) {
      auto target = Resolve(AtTime(state.commit.time_us + after));
      ASSERT_TRUE(target.ok()) << target.status();
      EXPECT_EQ(target->commit.frame, state.commit.frame);
      EXPECT_EQ(target->is_exact, after == 0);
      EXPECT_EQ(target->next.has_value(), i + 1 < log.states().size());
      if (target->next) {
        EXPECT_EQ(target->next->frame, log.states()[i + 1].commit.frame);
      }
    }
  }
  auto before = Resolve(AtTime(log.states()[0].commit.time_us - 1));
  EXPECT_EQ(before.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(before.status().message(), HasSubstr("the first is at frame"));
}

// libsql-wal ignored the size of the database: a restore after a shrink had the old length.
TEST_F(RestoreTest, TheDatabaseHasTheSizeOfTheCommit) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}, {2, log.Page(2)}, {3, log.Page(3)}, {4, log.Page(4)}}, 4);
  log.Commit({{1, log.Page(5)}}, 2);
  log.Commit({{1, log.Page(6)}}, 9);
  log.ShipSealed();
  EXPECT_THAT(*RestoredAt(4), SizeIs(4 * 512));
  EXPECT_THAT(*RestoredAt(5), SizeIs(2 * 512));
  EXPECT_THAT(*RestoredAt(6), SizeIs(9 * 512));
}

// libsql-wal let a gap shorten the path, and restored an older state without a word.
TEST_F(RestoreTest, AGapIsAnErrorThatNamesTheMissingRange) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  log.Commit({{1, log.Page(2)}, {2, log.Page(3)}}, 2);
  SegmentKey lost = log.ShipSealed();
  log.Commit({{1, log.Page(4)}}, 2);
  log.ShipSealed();
  ASSERT_TRUE(store().Delete(segment::BuildSegmentKey("app", lost)).ok());
  for (const RestoreTarget& target :
       {RestoreTarget(), AtFrame(4), AtTime(log.states()[2].commit.time_us)}) {
    auto restored = RestoreTo(target, OutputPath());
    EXPECT_EQ(restored.status().code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(restored.status().message(), HasSubstr("frames 2 to 3"));
    EXPECT_FALSE(std::filesystem::exists(OutputPath()));
  }
  EXPECT_EQ(*RestoredAt(1), log.states()[0].Bytes());
}

TEST_F(RestoreTest, AFrameBehindTheEndIsNotThere) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  EXPECT_THAT(Resolve(AtFrame(2)).status().message(), HasSubstr("the last one is 1"));
  EXPECT_EQ(Resolve(AtFrame(0)).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RestoreTest, AFencedWritersFramesAreNotRestored) {
  ModelLog zombie(&store(), "app", 512);
  zombie.Claim(1, 1);
  zombie.Commit({{1, zombie.Page(1)}}, 1);
  ModelLog heir = zombie;
  zombie.Commit({{1, zombie.Page(66)}}, 1);
  zombie.ShipSealed();
  heir.Claim(2, 2);
  heir.Commit({{1, heir.Page(2)}}, 1);
  // The heir ships from frame 2 on; frame 1 is only in the zombie's segment.
  ModelLog late(&store(), "app", 512);
  late.Commit({{1, late.Page(1)}}, 1);
  late.ShipSealed();
  late.set_epoch(2);
  late.Commit({{1, late.Page(2)}}, 1);
  late.ShipSealed();
  EXPECT_EQ(*RestoredAt(1), late.states()[0].Bytes());
  EXPECT_EQ(*RestoredAt(2), late.states()[1].Bytes());
  EXPECT_EQ(*RestoredAt(), late.states()[1].Bytes());
}

TEST_F(RestoreTest, ATimeBeforeTheLiveLogLiesInTheOneBefore) {
  ModelLog old_log(&store(), "app", 512, 1);
  old_log.Claim(1, 1);
  old_log.Commit({{1, old_log.Page(1)}}, 1);
  old_log.Commit({{1, old_log.Page(2)}}, 1);
  old_log.ShipSealed();
  ModelLog new_log(&store(), "app", 1024, 2);
  new_log.Claim(2, 1);
  new_log.set_time_us(old_log.states()[1].commit.time_us + 10'000'000);
  new_log.ShipBase({new_log.Page(3)});
  ASSERT_TRUE(RestoreTo(AtTime(old_log.states()[0].commit.time_us), OutputPath()).ok());
  EXPECT_EQ(ReadFile(OutputPath()), old_log.states()[0].Bytes());
  ASSERT_TRUE(RestoreTo(AtTime(old_log.states()[1].commit.time_us + 5), OutputPath()).ok());
  EXPECT_EQ(ReadFile(OutputPath()), old_log.states()[1].Bytes());
  EXPECT_EQ(*RestoredAt(), new_log.states()[0].Bytes());
  RestoreTarget other = AtFrame(1);
  other.log_id = old_log.log_id();
  ASSERT_TRUE(RestoreTo(other, OutputPath()).ok());
  EXPECT_EQ(ReadFile(OutputPath()), old_log.states()[0].Bytes());
}

TEST_F(RestoreTest, AnExistingFileIsKeptWithoutForceAndUntilTheNewOneIsInPlace) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  SegmentKey key = log.ShipSealed();
  std::ofstream(OutputPath()) << "mine";
  chmod(OutputPath().c_str(), 0640);
  EXPECT_EQ(RestoreTo({}, OutputPath(), false).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(ReadFile(OutputPath()), SizeIs(4));

  const std::string object = FileOf(segment::BuildSegmentKey("app", key));
  std::vector<uint8_t> good = ReadFile(object);
  std::vector<uint8_t> bad = good;
  bad[4096 + 64 + 7] ^= 1;
  std::ofstream(object, std::ios::binary).write(reinterpret_cast<char*>(bad.data()), bad.size());
  EXPECT_EQ(RestoreTo({}, OutputPath(), true).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(ReadFile(OutputPath()), SizeIs(4));
  EXPECT_EQ(FilesInDirectory(), 2u);

  std::ofstream(object, std::ios::binary).write(reinterpret_cast<char*>(good.data()), good.size());
  ASSERT_TRUE(RestoreTo({}, OutputPath(), true).ok());
  EXPECT_EQ(ReadFile(OutputPath()), log.states()[0].Bytes());
  struct stat info;
  ASSERT_EQ(stat(OutputPath().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(RestoreTest, ALogOrJournalBesideTheOutputIsRefused) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  for (const char* suffix : {"-wal", "-journal"}) {
    std::ofstream(OutputPath() + suffix) << "frames of another database";
    auto restored = RestoreTo({}, OutputPath());
    EXPECT_EQ(restored.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(restored.status().message(), HasSubstr(suffix));
    std::filesystem::remove(OutputPath() + suffix);
  }
  std::filesystem::create_directory(OutputPath() + "-wal");
  EXPECT_EQ(RestoreTo({}, OutputPath()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RestoreTest, WhatAKilledRestoreLeftIsRemoved) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  std::ofstream(OutputPath() + ".strata-restore-0123456789abcdef") << "half a database";
  ASSERT_TRUE(RestoreTo({}, OutputPath()).ok());
  EXPECT_EQ(FilesInDirectory(), 2u);  // the store and the output
}

TEST_F(RestoreTest, AHundredBytesOfGarbageAnywhereAreAnErrorOrDoNoHarm) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.ShipBase({log.Page(1), log.Page(2), log.Page(3)});
  std::mt19937 random(11);
  FillRandomly(&log, &random, 10);
  const std::vector<uint8_t> expected = log.states().back().Bytes();
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  random.seed(seed);
  size_t refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory() + "/store")) {
    if (!entry.is_regular_file()) continue;
    const std::vector<uint8_t> good = ReadFile(entry.path());
    for (int round = 0; round < 12; ++round) {
      std::vector<uint8_t> bad = good;
      const size_t at = random() % bad.size();
      for (size_t i = at; i < std::min(bad.size(), at + 100); ++i)
        bad[i] = static_cast<uint8_t>(random());
      std::ofstream(entry.path(), std::ios::binary)
          .write(reinterpret_cast<char*>(bad.data()), bad.size());
      std::filesystem::remove(OutputPath());
      auto restored = RestoredAt();
      if (restored.ok()) {
        ASSERT_EQ(*restored, expected) << entry.path() << " at " << at;
        continue;
      }
      ++refused;
      EXPECT_THAT(restored.status().message(), HasSubstr(entry.path().filename().string()));
      EXPECT_FALSE(std::filesystem::exists(OutputPath()));
    }
    std::ofstream(entry.path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(good.data()), good.size());
  }
  EXPECT_GT(refused, 10u);
}

// Pages on either side of byte 2^30 and the page of the lock bytes between them.
TEST_F(RestoreTest, TheLockBytePageIsNoPartOfTheDigest) {
  const uint32_t lock_page = segment::LockBytePage(65536).value();
  HashColumn column(65536);
  column.Resize(lock_page - 1);
  const uint64_t before = column.digest();
  column.Resize(lock_page);
  EXPECT_EQ(column.digest(), before);
  column.Set(segment::PageNo(lock_page), 12345);
  EXPECT_EQ(column.digest(), before);
  column.Resize(lock_page + 1);
  EXPECT_NE(column.digest(), before);
}

TEST_F(RestoreTest, FetchStopsAtTheFirstErrorOfItsUser) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  std::mt19937 random(2);
  FillRandomly(&log, &random, 30);
  history_ = *LoadHistory(store(), "app");
  auto path = PlanPath("app", *history_.live(), log.last_frame());
  auto chain = *SegmentChain::Open(&store(), &cache_, "app", *history_.live(), *path);
  auto winners = *chain->NewUnion();
  std::vector<segment::UnionEntry> entries(1000);
  entries.resize(*winners->NextBatch(absl::MakeSpan(entries)));
  ASSERT_FALSE(entries.empty());
  absl::Status status = FetchPages(*chain, entries, 4, [](absl::Span<const FetchedPage>) {
    return absl::ResourceExhaustedError("full");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace strata::compactor
