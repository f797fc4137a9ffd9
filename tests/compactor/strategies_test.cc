#include "compactor/strategies.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "segment/store_layout.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Strategy kStrategies[] = {Strategy::kAll, Strategy::kLogarithmic, Strategy::kTiered};

ChainLink Link(uint64_t first, uint64_t last, uint64_t bytes = 100, uint8_t level = 0) {
  return {FrameNo(first), FrameNo(last), bytes, level};
}

std::vector<ChainLink> RandomChain(std::mt19937* random) {
  std::vector<ChainLink> chain;
  uint64_t next = 1 + (*random)() % 3;
  const size_t links = (*random)() % 60;
  for (size_t i = 0; i < links; ++i) {
    uint64_t last = next + (*random)() % 20;
    uint64_t first =
        i > 0 && (*random)() % 8 == 0 ? std::max(chain.back().first.value(), next - 1) : next;
    chain.push_back(Link(first, last, 1 + (*random)() % 100000, (*random)() % 3));
    next = last + 1;
  }
  return chain;
}

void ExpectSameCover(const std::vector<ChainLink>& before, const std::vector<ChainLink>& after) {
  ASSERT_EQ(before.empty(), after.empty());
  if (before.empty()) return;
  EXPECT_EQ(before.front().first, after.front().first);
  EXPECT_EQ(before.back().last, after.back().last);
  for (size_t i = 1; i < after.size(); ++i) {
    EXPECT_LE(after[i].first, after[i - 1].last.next());
    EXPECT_GT(after[i].last, after[i - 1].last);
  }
}

TEST(Strategies, OfferContiguousSetsThatCoverAndShortenAndEnd) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  size_t merges = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<ChainLink> chain = RandomChain(&random);
    const Strategy strategy = kStrategies[round % 3];
    while (true) {
      auto sets = ChooseMerges(strategy, chain);
      ASSERT_TRUE(sets.ok()) << sets.status();
      if (sets->empty()) break;
      size_t begin = 0;
      for (const MergeSet& set : *sets) {
        ASSERT_GE(set.begin, begin);
        ASSERT_GE(set.end, set.begin + 2);
        ASSERT_LE(set.end, chain.size());
        begin = set.end;
      }
      std::vector<ChainLink> after = ApplyMerges(chain, *sets);
      ASSERT_LT(after.size(), chain.size());
      ExpectSameCover(chain, after);
      chain = after;
      merges += sets->size();
    }
  }
  EXPECT_GT(merges, 1000u);
}

TEST(Strategies, AllLeavesOneSegment) {
  auto sets = ChooseMerges(Strategy::kAll, {Link(1, 4, 9, 1), Link(5, 5), Link(6, 9)});
  ASSERT_TRUE(sets.ok());
  EXPECT_EQ(*sets, (std::vector<MergeSet>{{0, 3, 1}}));
  EXPECT_THAT(*ChooseMerges(Strategy::kAll, {Link(1, 9)}), IsEmpty());
}

TEST(Strategies, LogarithmicLeavesSizesThatHalve) {
  std::vector<ChainLink> chain;
  uint64_t total = 0;
  for (uint64_t i = 0; i < 5000; ++i) {
    chain.push_back(Link(i + 1, i + 1, 1000));
    total += 1000;
    auto sets = ChooseMerges(Strategy::kLogarithmic, chain);
    ASSERT_TRUE(sets.ok());
    chain = ApplyMerges(chain, *sets);
    if (sets->empty()) {
      for (size_t k = 1; k < chain.size(); ++k) ASSERT_GE(chain[k - 1].bytes, 2 * chain[k].bytes);
    }
    ASSERT_LE(chain.size(), 2 + static_cast<size_t>(std::log2(static_cast<double>(total))));
  }
}

TEST(Strategies, TieredRaisesFullRunsOnly) {
  std::vector<ChainLink> chain = {Link(1, 100, 5000, 3)};
  for (uint64_t i = 0; i < kTierWidth; ++i) chain.push_back(Link(101 + i, 101 + i));
  chain.push_back(Link(101 + kTierWidth, 101 + kTierWidth));
  auto sets = ChooseMerges(Strategy::kTiered, chain);
  ASSERT_TRUE(sets.ok());
  EXPECT_EQ(*sets, (std::vector<MergeSet>{{1, 1 + kTierWidth, 1}}));
}

// libsql-wal's tiered strategy offered sets with holes.
TEST(Strategies, ASetWithAHoleIsRefused) {
  for (Strategy strategy : kStrategies) {
    auto sets = ChooseMerges(strategy, {Link(1, 4), Link(5, 9), Link(12, 20)});
    EXPECT_EQ(sets.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(sets.status().message(), HasSubstr("frames 10 to 11"));
  }
}

TEST(Strategies, ASetThatDoesNotAdvanceIsRefused) {
  for (Strategy strategy : kStrategies) {
    EXPECT_FALSE(ChooseMerges(strategy, {Link(1, 9), Link(2, 9)}).ok());
    EXPECT_FALSE(ChooseMerges(strategy, {Link(9, 1)}).ok());
  }
}

TEST(Strategies, NamesAreTheThreeOfTheCommandLine) {
  EXPECT_TRUE(ParseStrategy("all").ok());
  EXPECT_TRUE(ParseStrategy("log").ok());
  EXPECT_TRUE(ParseStrategy("tiered").ok());
  EXPECT_FALSE(ParseStrategy("leveled").ok());
}

}  // namespace
}  // namespace strata::compactor
