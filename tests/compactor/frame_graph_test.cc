#include "compactor/frame_graph.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

GraphSegment Sealed(uint64_t first, uint64_t last, uint64_t cost) {
  return {FrameNo(first), FrameNo(last), cost, true, 5};
}

GraphSegment Compacted(uint64_t first, uint64_t last, uint64_t cost) {
  return {FrameNo(first), FrameNo(last), cost, false, 0};
}

std::vector<size_t> Chosen(const std::vector<PathStep>& path) {
  std::vector<size_t> segments;
  for (const PathStep& step : path) segments.push_back(step.segment);
  return segments;
}

uint64_t CostOf(const GraphSegment& s, FrameNo upto) {
  if (upto == s.last) return s.cost;
  double share = static_cast<double>(upto.value() - s.first.value() + 1) /
                 static_cast<double>(s.last.value() - s.first.value() + 1);
  return static_cast<uint64_t>(static_cast<double>(s.cost) * share) + s.partial_cost_extra;
}

// The obvious twin: relaxes every segment from every covered boundary until nothing gets cheaper.
std::optional<uint64_t> CheapestByBruteForce(const std::vector<GraphSegment>& segments,
                                             uint64_t target) {
  std::vector<std::optional<uint64_t>> cost(target + 1);
  cost[0] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (const GraphSegment& s : segments) {
      uint64_t end = std::min(s.last.value(), target);
      if (s.last.value() > target && !s.divisible) continue;
      if (s.first.value() > target) continue;
      for (uint64_t from = s.first.value() - 1; from <= target; ++from) {
        if (!cost[from]) continue;
        uint64_t total = *cost[from] + CostOf(s, FrameNo(end));
        if (cost[end] && *cost[end] <= total) continue;
        cost[end] = total;
        changed = true;
      }
    }
  }
  return cost[target];
}

// Checks that a path really leads from 0 to the target, and returns its cost.
uint64_t CheckedCost(const std::vector<GraphSegment>& segments, const std::vector<PathStep>& path,
                     uint64_t target) {
  uint64_t covered = 0;
  uint64_t cost = 0;
  for (const PathStep& step : path) {
    const GraphSegment& s = segments[step.segment];
    EXPECT_LE(s.first.value(), covered + 1);
    EXPECT_GT(step.upto.value(), covered);
    EXPECT_LE(step.upto, s.last);
    if (step.upto != s.last) {
      EXPECT_TRUE(s.divisible);
    }
    covered = step.upto.value();
    cost += CostOf(s, step.upto);
  }
  EXPECT_EQ(covered, target);
  return cost;
}

TEST(FrameGraph, TargetZeroNeedsNothing) {
  auto path = CheapestPath({Sealed(1, 5, 1)}, FrameNo(0));
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_THAT(*path, IsEmpty());
}

// libsql-wal's search stopped at the first path that its estimate liked.
TEST(FrameGraph, PathIsTheCheapestNotTheShortest) {
  std::vector<GraphSegment> segments = {Compacted(1, 100, 1000), Sealed(1, 30, 10),
                                        Sealed(31, 60, 10), Sealed(61, 100, 10)};
  auto path = CheapestPath(segments, FrameNo(100));
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(Chosen(*path), (std::vector<size_t>{1, 2, 3}));
}

TEST(FrameGraph, OneFrameSegmentsAreSteps) {
  std::vector<GraphSegment> segments = {Sealed(1, 1, 3), Sealed(2, 2, 3), Sealed(3, 3, 3)};
  auto path = CheapestPath(segments, FrameNo(3));
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(Chosen(*path), (std::vector<size_t>{0, 1, 2}));
}

TEST(FrameGraph, GapIsAnErrorThatNamesTheMissingRange) {
  std::vector<GraphSegment> segments = {Sealed(1, 10, 1), Sealed(15, 20, 1), Compacted(18, 30, 1)};
  auto path = CheapestPath(segments, FrameNo(30));
  EXPECT_EQ(path.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(path.status().message(), HasSubstr("frames 11 to 14"));
}

TEST(FrameGraph, GapBehindTheTargetDoesNoHarm) {
  std::vector<GraphSegment> segments = {Sealed(1, 10, 1), Sealed(15, 20, 1)};
  EXPECT_TRUE(CheapestPath(segments, FrameNo(10)).ok());
}

TEST(FrameGraph, TargetBehindTheLastSegmentIsAGap) {
  auto path = CheapestPath({Sealed(1, 10, 1)}, FrameNo(12));
  EXPECT_EQ(path.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(path.status().message(), HasSubstr("frames 11 to 12"));
}

TEST(FrameGraph, TargetInsideASealedSegmentUsesItInPart) {
  auto path = CheapestPath({Compacted(1, 10, 1), Sealed(11, 20, 1)}, FrameNo(14));
  ASSERT_TRUE(path.ok()) << path.status();
  ASSERT_EQ(path->size(), 2u);
  EXPECT_EQ((*path)[1].upto, FrameNo(14));
}

TEST(FrameGraph, TargetInsideACompactedSegmentNamesTheBoundaries) {
  auto path = CheapestPath({Compacted(1, 10, 1), Compacted(11, 20, 1)}, FrameNo(14));
  EXPECT_EQ(path.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(path.status().message(), HasSubstr("10 and 20"));
}

TEST(FrameGraph, OverlappingSegmentsFollowEachOther) {
  auto path =
      CheapestPath({Compacted(1, 10, 1), Compacted(5, 20, 1), Compacted(19, 30, 1)}, FrameNo(30));
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(Chosen(*path), (std::vector<size_t>{0, 1, 2}));
}

TEST(FrameGraph, ImpossibleRangeIsRefused) {
  EXPECT_EQ(CheapestPath({Sealed(5, 4, 1)}, FrameNo(4)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheapestPath({Sealed(0, 4, 1)}, FrameNo(4)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(FrameGraph, CostsNearTheLimitDoNotWrap) {
  std::vector<GraphSegment> segments = {Compacted(1, 5, UINT64_MAX), Compacted(6, 9, UINT64_MAX),
                                        Compacted(1, 9, UINT64_MAX - 1)};
  auto path = CheapestPath(segments, FrameNo(9));
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(Chosen(*path), (std::vector<size_t>{2}));
}

TEST(FrameGraph, MissingRangesAreAllNamed) {
  std::vector<GraphSegment> segments = {Sealed(3, 4, 1), Sealed(8, 9, 1)};
  EXPECT_EQ(MissingRanges(segments, FrameNo(12)),
            (std::vector<FrameRange>{
                {FrameNo(1), FrameNo(2)}, {FrameNo(5), FrameNo(7)}, {FrameNo(10), FrameNo(12)}}));
}

TEST(FrameGraph, AgreesWithBruteForceOnRandomGraphs) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  int reachable = 0;
  int unreachable = 0;
  for (int round = 0; round < 20000; ++round) {
    const uint64_t frames = 1 + random() % 20;
    std::vector<GraphSegment> segments(random() % 14);
    for (GraphSegment& s : segments) {
      uint64_t first = 1 + random() % frames;
      uint64_t last = std::min(frames, first + random() % (random() % 2 ? 3 : frames));
      s = random() % 2 ? Sealed(first, last, random() % 100)
                       : Compacted(first, last, random() % 100);
    }
    const uint64_t target = 1 + random() % frames;
    std::optional<uint64_t> expected = CheapestByBruteForce(segments, target);
    auto path = CheapestPath(segments, FrameNo(target));
    ASSERT_EQ(path.ok(), expected.has_value()) << "round " << round << ": " << path.status();
    if (!path.ok()) {
      bool gap = !MissingRanges(segments, FrameNo(target)).empty();
      EXPECT_EQ(path.status().code(),
                gap ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition);
      ++unreachable;
      continue;
    }
    ASSERT_EQ(CheckedCost(segments, *path, target), *expected) << "round " << round;
    ++reachable;
  }
  EXPECT_GT(reachable, 1000);
  EXPECT_GT(unreachable, 1000);
}

TEST(FrameGraph, AMillionSegmentsArePlanned) {
  std::vector<GraphSegment> segments;
  for (uint64_t i = 0; i < 1'000'000; ++i)
    segments.push_back(Sealed(i * 10 + 1, i * 10 + 10, 4096));
  for (uint64_t i = 0; i < 1'000; ++i)
    segments.push_back(Compacted(i * 10000 + 1, i * 10000 + 10000, 9000));
  auto start = std::chrono::steady_clock::now();
  auto path = CheapestPath(segments, FrameNo(10'000'000));
  auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(path->size(), 1000u);
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace strata::compactor
