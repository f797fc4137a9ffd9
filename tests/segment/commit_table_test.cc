#include "segment/commit_table.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace strata::segment {
namespace {

std::vector<CommitEntry> ThreeCommits() {
  return {{FrameNo(10), 1000, 5, 4, 0xAA},
          {FrameNo(12), 2000, 7, 7, 0xBB},
          {FrameNo(20), 2000, 6, 2, 0xCC}};
}

TEST(CommitTableTest, EntriesReadBack) {
  const auto read = DecodeCommitTable(EncodeCommitTable(ThreeCommits()));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[0].frame, FrameNo(10));
  EXPECT_EQ((*read)[0].time_us, 1000);
  EXPECT_EQ((*read)[0].database_pages, 5u);
  EXPECT_EQ((*read)[0].min_database_pages, 4u);
  EXPECT_EQ((*read)[0].digest, 0xAAu);
  EXPECT_EQ((*read)[2].frame, FrameNo(20));
}

TEST(CommitTableTest, EveryFlippedByteAndTruncationIsDamage) {
  const std::vector<uint8_t> good = EncodeCommitTable(ThreeCommits());
  for (size_t at = 0; at < good.size(); ++at) {
    std::vector<uint8_t> bytes = good;
    bytes[at] ^= 1;
    EXPECT_EQ(DecodeCommitTable(bytes).status().code(), absl::StatusCode::kDataLoss) << at;
    bytes = good;
    bytes.resize(at);
    EXPECT_EQ(DecodeCommitTable(bytes).status().code(), absl::StatusCode::kDataLoss) << at;
  }
}

TEST(CommitTableTest, EntriesOutOfOrderAreRefused) {
  std::vector<CommitEntry> commits = ThreeCommits();
  EXPECT_TRUE(CheckCommitFollows(&commits[0], commits[1]).ok());
  EXPECT_FALSE(CheckCommitFollows(&commits[1], commits[0]).ok());
  EXPECT_FALSE(CheckCommitFollows(&commits[1], commits[1]).ok());
  std::swap(commits[0], commits[1]);
  EXPECT_EQ(DecodeCommitTable(EncodeCommitTable(commits)).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(CommitTableTest, SmallestSizeMustBeSetAndAtMostTheSize) {
  EXPECT_FALSE(CheckCommitFollows(nullptr, {FrameNo(1), 0, 5, 0, 0}).ok());
  EXPECT_FALSE(CheckCommitFollows(nullptr, {FrameNo(1), 0, 5, 6, 0}).ok());
  EXPECT_TRUE(CheckCommitFollows(nullptr, {FrameNo(1), 0, 5, 1, 0}).ok());
  EXPECT_TRUE(CheckCommitFollows(nullptr, {FrameNo(1), 0, 0, 0, 0}).ok());
  EXPECT_FALSE(CheckCommitFollows(nullptr, {FrameNo(0), 0, 5, 5, 0}).ok());
}

TEST(CommitTableTest, NewestEntryAtOrBeforeIsFound) {
  const std::vector<CommitEntry> commits = ThreeCommits();
  EXPECT_EQ(LastCommitAtOrBefore(commits, FrameNo(9)), nullptr);
  EXPECT_EQ(LastCommitAtOrBefore(commits, FrameNo(10)), &commits[0]);
  EXPECT_EQ(LastCommitAtOrBefore(commits, FrameNo(19)), &commits[1]);
  EXPECT_EQ(LastCommitAtOrBefore(commits, FrameNo(99)), &commits[2]);
  EXPECT_EQ(LastCommitAtOrBeforeTime(commits, 999), nullptr);
  EXPECT_EQ(LastCommitAtOrBeforeTime(commits, 1999), &commits[0]);
  EXPECT_EQ(LastCommitAtOrBeforeTime(commits, 2000), &commits[2]);
}

TEST(CommitTableTest, LowestSizeCountsOnlyCommitsAtOrAfterTheFrame) {
  const std::vector<CommitEntry> commits = ThreeCommits();
  const LowestSizes sizes(commits);
  EXPECT_EQ(sizes.Since(FrameNo(1)), 2u);
  EXPECT_EQ(sizes.Since(FrameNo(12)), 2u);
  // The 2 pages of the last interval may have been before frame 13.
  EXPECT_EQ(sizes.Since(FrameNo(13)), 6u);
  EXPECT_EQ(sizes.Since(FrameNo(20)), 6u);
  EXPECT_EQ(sizes.Since(FrameNo(21)), UINT32_MAX);
}

}  // namespace
}  // namespace strata::segment
