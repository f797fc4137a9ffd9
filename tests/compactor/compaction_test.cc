#include "compactor/compaction.h"

#include <filesystem>

#include "compactor/commit_selection.h"
#include "compactor/segment_chain.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/compactor/store_fixture.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using segment::SegmentKey;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CompactionTest : public StoreFixture {
 protected:
  // Every state that the model went through, from the store.
  void ExpectEveryCommitExact(const ModelLog& log) {
    for (const ModelLog::State& state : log.states()) {
      auto restored = RestoredAt(state.commit.frame.value());
      ASSERT_TRUE(restored.ok()) << restored.status();
      ASSERT_EQ(*restored, state.Bytes()) << "frame " << state.commit.frame.value();
    }
  }

  std::unique_ptr<SegmentChain> OpenCompacted(const SegmentKey& key) {
    history_ = *LoadHistory(store(), "app");
    const LogHistory& log = *history_.live();
    for (size_t i = 0; i < log.segments.size(); ++i) {
      if (log.segments[i].key == key)
        return *SegmentChain::Open(&store(), &cache_, "app", log, {{i, key.last}});
    }
    ADD_FAILURE() << "no such segment";
    return nullptr;
  }

  NamespaceHistory history_;
  BlockCache cache_;
};

TEST_F(CompactionTest, EveryCommitStaysExactUnderEveryStrategy) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  size_t merges = 0;
  for (int round = 0; round < 6; ++round) {
    DeleteAllObjects();
    ModelLog log(&store(), "app", 512);
    log.Claim(1, 1);
    for (int part = 0; part < 3; ++part) {
      FillRandomly(&log, &random, 12);
      auto done = CompactOnce(static_cast<Strategy>(random() % 3));
      ASSERT_TRUE(done.ok()) << done.status();
      merges += *done;
    }
    auto done = CompactOnce(Strategy::kAll);
    ASSERT_TRUE(done.ok()) << done.status();
    ExpectEveryCommitExact(log);
    EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
  }
  EXPECT_GT(merges, 0u);
}

// libsql-wal wrote a wrong index when its inputs were compacted ones.
TEST_F(CompactionTest, CompactedSegmentsCompactAgain) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  std::mt19937 random(7);
  for (int part = 0; part < 4; ++part) {
    FillRandomly(&log, &random, 9);
    ASSERT_TRUE(CompactOnce(Strategy::kAll).ok());
  }
  std::unique_ptr<SegmentChain> chain =
      OpenCompacted({log.log_id(), FrameNo(1), log.last_frame(), segment::Epoch(1), 1});
  const segment::SegmentReader& reader = *chain->segments()[0].reader;
  ASSERT_TRUE(reader.VerifyAll().ok());
  PageBytes page(512);
  const ModelLog::State& last = log.states().back();
  for (uint32_t number = 1; number <= last.pages.size(); ++number) {
    auto ordinal = reader.FindPage(segment::PageNo(number));
    ASSERT_TRUE(ordinal.ok()) << ordinal.status();
    if (!*ordinal) {
      EXPECT_EQ(last.pages[number - 1], PageBytes(512, 0));
      continue;
    }
    ASSERT_TRUE(reader.ReadFrame(**ordinal, absl::MakeSpan(page)).ok());
    EXPECT_EQ(page, last.pages[number - 1]) << "page " << number;
  }
}

TEST_F(CompactionTest, TheCommitTableIsCarriedOver) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  std::mt19937 random(3);
  FillRandomly(&log, &random, 20);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  std::unique_ptr<SegmentChain> chain =
      OpenCompacted({log.log_id(), FrameNo(1), log.last_frame(), segment::Epoch(1), 1});
  ASSERT_THAT(chain->Commits(), SizeIs(log.states().size()));
  for (size_t i = 0; i < log.states().size(); ++i) {
    EXPECT_EQ(chain->Commits()[i].frame, log.states()[i].commit.frame);
    EXPECT_EQ(chain->Commits()[i].digest, log.states()[i].commit.digest);
  }
}

// libsql-wal brought back pages that had been cut off.
TEST_F(CompactionTest, AShrinkThenGrowBringsNoStalePagesBack) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}, {2, log.Page(2)}, {3, log.Page(3)}, {4, log.Page(4)}}, 4);
  log.ShipSealed();
  log.Commit({{1, log.Page(5)}}, 2);
  log.ShipSealed();
  log.Commit({{1, log.Page(6)}}, 4);  // pages 3 and 4 are new, and zeros
  log.ShipSealed();
  ExpectEveryCommitExact(log);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ExpectEveryCommitExact(log);
  EXPECT_EQ(log.states().back().pages[2], PageBytes(512, 0));
}

TEST_F(CompactionTest, ACompactedMiddleRemembersItsShrinks) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}, {2, log.Page(2)}, {3, log.Page(3)}, {4, log.Page(4)}}, 4);
  log.ShipSealed();
  for (uint64_t i = 0; i < kTierWidth; ++i) {
    log.Commit({{1, log.Page(10 + i)}}, i == 3 ? 2 : 4);
    log.ShipSealed();
  }
  // The first merge takes the first eight; what is left is merged with it in the end.
  ASSERT_TRUE(CompactOnce(Strategy::kTiered).ok());
  ASSERT_TRUE(CompactOnce(Strategy::kLogarithmic).ok());
  ExpectEveryCommitExact(log);
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
}

TEST_F(CompactionTest, OneFrameSegmentsAreMerged) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  for (uint32_t i = 1; i <= 20; ++i) {
    log.Commit({{i, log.Page(i)}}, i);
    log.ShipSealed();
  }
  ASSERT_EQ(*CompactOnce(Strategy::kTiered), 2u);
  ExpectEveryCommitExact(log);
}

TEST_F(CompactionTest, NothingIsDeletedAndASecondRunDoesNothing) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  std::mt19937 random(3);
  FillRandomly(&log, &random, 20);
  size_t before = LoadHistory(store(), "app")->live()->segments.size();
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  EXPECT_EQ(LoadHistory(store(), "app")->live()->segments.size(), before + 1);
  EXPECT_EQ(*CompactOnce(Strategy::kAll), 0u);
}

TEST_F(CompactionTest, TwoCompactorsAtOnceAgree) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  std::mt19937 random(3);
  FillRandomly(&log, &random, 20);
  auto history = LoadHistory(store(), "app");
  auto plans = PlanCompactions(*history, *history->live(), Strategy::kAll);
  for (bool was_there : {false, true}) {
    auto result = Compact(&store(), &cache_, &io::SystemClock(), &io::SystemRandom(), *history,
                          *history->live(), (*plans)[0], {});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->was_there, was_there);
  }
}

TEST_F(CompactionTest, ADamagedInputMakesNoOutput) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}, {2, log.Page(2)}}, 2);
  SegmentKey first = log.ShipSealed();
  log.Commit({{1, log.Page(3)}}, 2);
  log.ShipSealed();
  const std::string path = FileOf(segment::BuildSegmentKey("app", first));
  std::vector<uint8_t> bytes = ReadFile(path);
  bytes[4096 + 64 + 512 + 64 + 100] ^= 1;  // in the page that wins
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<char*>(bytes.data()), bytes.size());
  auto done = CompactOnce(Strategy::kAll);
  EXPECT_EQ(done.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(done.status().message(), HasSubstr(segment::BuildSegmentKey("app", first)));
  EXPECT_THAT(LoadHistory(store(), "app")->live()->segments, SizeIs(2));
}

TEST_F(CompactionTest, AWrongDigestMakesNoOutput) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}, {2, log.Page(2)}}, 2);
  log.ShipSealed();
  log.Commit({{1, log.Page(3)}}, 2);
  log.ShipSealed();
  // The middle of another history of the same shape, under a key of this one.
  ModelLog other(&store(), "other", 512);
  other.Commit({{1, log.Page(1)}, {2, log.Page(77)}}, 2);
  SegmentKey swapped = other.ShipSealed();
  std::filesystem::copy_file(FileOf(segment::BuildSegmentKey("other", swapped)),
                             FileOf(segment::BuildSegmentKey("app", swapped)),
                             std::filesystem::copy_options::overwrite_existing);
  auto done = CompactOnce(Strategy::kAll);
  EXPECT_EQ(done.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(done.status().message(), HasSubstr("digest"));
  EXPECT_THAT(LoadHistory(store(), "app")->live()->segments, SizeIs(2));
  EXPECT_EQ(RestoredAt().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(OutputPath()));
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
  EXPECT_FALSE(VerifyNow(VerifyDepth::kFull).findings.empty());
}

TEST(SelectCommits, KeepsTheLastAndTheSmallest) {
  std::vector<segment::CommitEntry> commits;
  for (uint64_t i = 1; i <= 1000; ++i) {
    uint32_t size = i == 333 ? 2 : 50;
    commits.push_back({FrameNo(i), static_cast<int64_t>(i), size, size, i});
  }
  for (size_t limit : {2, 3, 10, 500, 999}) {
    auto selected = SelectCommits(commits, limit);
    EXPECT_LE(selected.size(), limit);
    EXPECT_EQ(selected.back().frame, FrameNo(1000));
    EXPECT_TRUE(std::any_of(selected.begin(), selected.end(),
                            [](auto& c) { return c.frame == FrameNo(333); }));
  }
  EXPECT_THAT(SelectCommits(commits, 1000), SizeIs(1000));
}

}  // namespace
}  // namespace strata::compactor
