#include "compactor/strategies.h"

#include <cmath>
#include <numeric>
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
  // Of one level, as the writer leaves them, or of any.
  const size_t links = (*random)() % 60;
  const uint32_t levels = (*random)() % 2 == 0 ? 1 : 3;
  for (size_t i = 0; i < links; ++i) {
    uint64_t last = next + (*random)() % 20;
    uint64_t first =
        i > 0 && (*random)() % 8 == 0 ? std::max(chain.back().first.value(), next - 1) : next;
    chain.push_back(
        Link(first, last, 1 + (*random)() % 100000, static_cast<uint8_t>((*random)() % levels)));
    next = last + 1;
  }
  return chain;
}

// Ascending, disjoint sets of neighbours, none of them trivial, of a level that exists.
void ExpectContiguous(const std::vector<ChainLink>& chain, const std::vector<MergeSet>& sets) {
  size_t begin = 0;
  for (const MergeSet& set : sets) {
    ASSERT_GE(set.begin, begin);
    ASSERT_GE(set.end, set.begin + 2);
    ASSERT_LE(set.end, chain.size());
    ASSERT_GE(set.level, segment::kBaseLevel);
    ASSERT_LE(set.level, segment::kMaxLevel);
    for (size_t i = set.begin; i < set.end; ++i) ASSERT_LE(chain[i].level, set.level);
    begin = set.end;
  }
}

// The same frames in fewer segments of together the same size, none of which lost its neighbours.
void ExpectCoversWithFewer(const std::vector<ChainLink>& before,
                           const std::vector<ChainLink>& after) {
  ASSERT_LT(after.size(), before.size());
  ASSERT_FALSE(after.empty());
  ASSERT_EQ(before.front().first, after.front().first);
  ASSERT_EQ(before.back().last, after.back().last);
  for (size_t i = 1; i < after.size(); ++i) {
    ASSERT_LE(after[i].first, after[i - 1].last.next());
    ASSERT_GT(after[i].last, after[i - 1].last);
  }
  auto add_bytes = [](uint64_t sum, const ChainLink& link) { return sum + link.bytes; };
  ASSERT_EQ(std::accumulate(before.begin(), before.end(), uint64_t{0}, add_bytes),
            std::accumulate(after.begin(), after.end(), uint64_t{0}, add_bytes));
}

// Nothing that the strategy would still want is left.
void ExpectFinished(Strategy strategy, const std::vector<ChainLink>& chain) {
  if (strategy == Strategy::kAll) {
    ASSERT_LE(chain.size(), 1u);
  }
  size_t same_level = 0;
  for (size_t i = 0; i < chain.size(); ++i) {
    same_level = i > 0 && chain[i].level == chain[i - 1].level ? same_level + 1 : 1;
    if (strategy == Strategy::kTiered && chain[i].level < segment::kMaxLevel) {
      ASSERT_LT(same_level, kTierWidth);
    }
    if (strategy == Strategy::kLogarithmic && i > 0) {
      ASSERT_GE(chain[i - 1].bytes / 2, chain[i].bytes);
    }
  }
}

// Merges until nothing is offered any more, which must be after fewer rounds than links; counts
// the merges.
void MergeAll(Strategy strategy, std::vector<ChainLink> chain, size_t* merges) {
  for (size_t rounds = 0;; ++rounds) {
    auto sets = ChooseMerges(strategy, chain);
    ASSERT_TRUE(sets.ok()) << sets.status();
    ASSERT_EQ(*ChooseMerges(strategy, chain), *sets);
    if (sets->empty()) break;
    ASSERT_LE(rounds, chain.size());
    ExpectContiguous(chain, *sets);
    std::vector<ChainLink> after = ApplyMerges(chain, *sets);
    ExpectCoversWithFewer(chain, after);
    if (testing::Test::HasFatalFailure()) return;
    chain = after;
    *merges += sets->size();
  }
  ExpectFinished(strategy, chain);
}

TEST(Strategies, OfferContiguousSetsThatCoverAndShortenAndEnd) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (Strategy strategy : kStrategies) {
    size_t merges = 0;
    for (int round = 0; round < 5000; ++round) {
      MergeAll(strategy, RandomChain(&random), &merges);
      if (HasFatalFailure()) FAIL() << "round " << round;
    }
    EXPECT_GT(merges, 1000u);
  }
}

TEST(Strategies, AMillionSegmentsAreMergedToTheEnd) {
  std::mt19937 random(1);
  std::vector<ChainLink> chain;
  for (uint64_t i = 0; i < 1'000'000; ++i) chain.push_back(Link(i + 1, i + 1, 1 + random() % 9999));
  for (Strategy strategy : kStrategies) {
    size_t merges = 0;
    MergeAll(strategy, chain, &merges);
    EXPECT_GT(merges, 0u);
  }
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
