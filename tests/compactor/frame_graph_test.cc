#include "compactor/frame_graph.h"

#include <algorithm>
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

// Cost and number of steps.
using Effort = std::pair<uint64_t, size_t>;

// The obvious twin: relaxes every segment from every covered boundary until nothing gets cheaper.
std::optional<Effort> CheapestByBruteForce(const std::vector<GraphSegment>& segments,
                                           uint64_t target) {
  std::vector<std::optional<Effort>> effort(target + 1);
  effort[0] = {0, 0};
  for (bool changed = true; changed;) {
    changed = false;
    for (const GraphSegment& s : segments) {
      uint64_t end = std::min(s.last.value(), target);
      if (s.last.value() > target && !s.divisible) continue;
      if (s.first.value() > target) continue;
      for (uint64_t from = s.first.value() - 1; from <= target; ++from) {
        if (!effort[from]) continue;
        Effort total = {effort[from]->first + CostOf(s, FrameNo(end)), effort[from]->second + 1};
        if (effort[end] && *effort[end] <= total) continue;
        effort[end] = total;
        changed = true;
      }
    }
  }
  return effort[target];
}

// Checks that a path really leads from 0 to the target, and returns its effort.
Effort CheckedEffort(const std::vector<GraphSegment>& segments, const std::vector<PathStep>& path,
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
  return {cost, path.size()};
}

// Segments anywhere.
std::vector<GraphSegment> RandomSegments(std::mt19937* random, uint64_t frames) {
  std::vector<GraphSegment> segments((*random)() % 14);
  for (GraphSegment& s : segments) {
    uint64_t first = 1 + (*random)() % frames;
    uint64_t last = std::min(frames, first + (*random)() % ((*random)() % 2 ? 3 : frames));
    s = (*random)() % 2 ? Sealed(first, last, (*random)() % 100)
                        : Compacted(first, last, (*random)() % 100);
  }
  return segments;
}

// What a store looks like: a log sealed piece by piece, neighbours compacted, compacted ones
// compacted again, some of it deleted, in no order.
std::vector<GraphSegment> RandomHistory(std::mt19937* random, uint64_t frames) {
  std::vector<GraphSegment> segments;
  for (uint64_t first = 1; first <= frames;) {
    uint64_t last = std::min(frames, first + (*random)() % 3);
    segments.push_back(Sealed(first, last, 1 + (*random)() % 50));
    first = last + 1;
  }
  std::vector<GraphSegment> level = segments;
  for (int round = 0; round < 3 && level.size() > 1; ++round) {
    std::vector<GraphSegment> merged;
    for (size_t i = 0; i < level.size();) {
      size_t last = std::min(level.size() - 1, i + (*random)() % 3);
      uint64_t cost = 0;
      for (size_t k = i; k <= last; ++k) cost += level[k].cost;
      merged.push_back(Compacted(level[i].first.value(), level[last].last.value(),
                                 1 + (*random)() % (cost + 20)));
      i = last + 1;
    }
    segments.insert(segments.end(), merged.begin(), merged.end());
    level = merged;
  }
  std::shuffle(segments.begin(), segments.end(), *random);
  segments.resize(segments.size() - (*random)() % (segments.size() / 3 + 1));
  return segments;
}

// How often the cases occurred that a planner gets wrong.
struct Seen {
  int reachable = 0, gaps = 0, inside_compacted = 0, one_frame = 0, overlaps = 0, nested = 0;

  void Count(const std::vector<GraphSegment>& segments) {
    bool has_one_frame = false;
    bool has_overlap = false;
    bool has_nested = false;
    for (const GraphSegment& a : segments) {
      has_one_frame |= a.first == a.last;
      for (const GraphSegment& b : segments) {
        has_overlap |= a.first < b.first && b.first <= a.last && a.last < b.last;
        bool both_compacted = !a.divisible && !b.divisible;
        has_nested |= both_compacted && a.first < b.first && b.last <= a.last;
      }
    }
    one_frame += has_one_frame;
    overlaps += has_overlap;
    nested += has_nested;
  }
};

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

void CompareWithBruteForce(const std::vector<GraphSegment>& segments, uint64_t target, Seen* seen) {
  seen->Count(segments);
  std::optional<Effort> expected = CheapestByBruteForce(segments, target);
  auto path = CheapestPath(segments, FrameNo(target));
  ASSERT_EQ(path.ok(), expected.has_value()) << path.status();
  if (path.ok()) {
    ASSERT_EQ(CheckedEffort(segments, *path, target), *expected);
    ++seen->reachable;
    return;
  }
  bool gap = !MissingRanges(segments, FrameNo(target)).empty();
  ASSERT_EQ(path.status().code(),
            gap ? absl::StatusCode::kNotFound : absl::StatusCode::kFailedPrecondition);
  ++(gap ? seen->gaps : seen->inside_compacted);
}

TEST(FrameGraph, AgreesWithBruteForceOnRandomGraphs) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  Seen seen;
  for (int round = 0; round < 100'000; ++round) {
    const uint64_t frames = 1 + random() % 20;
    const auto segments =
        round % 2 == 0 ? RandomSegments(&random, frames) : RandomHistory(&random, frames);
    CompareWithBruteForce(segments, 1 + random() % frames, &seen);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
  for (int count : {seen.reachable, seen.gaps, seen.inside_compacted, seen.one_frame, seen.overlaps,
                    seen.nested}) {
    EXPECT_GT(count, 1000);
  }
}

// A million sealed segments, eight of each level compacted into one of the next, at random costs.
std::vector<GraphSegment> MillionSegments(std::mt19937* random) {
  std::vector<GraphSegment> segments;
  const uint64_t end = 1'000'000;
  for (uint64_t width = 1; width <= end; width *= 8) {
    for (uint64_t at = 0; at < end; at += width) {
      const uint64_t last = std::min(end, at + width) * 10;
      const uint64_t cost = 1 + (*random)() % (width * 100);
      segments.push_back(width == 1 ? Sealed(at * 10 + 1, last, cost)
                                    : Compacted(at * 10 + 1, last, cost));
    }
  }
  return segments;
}

// Segments of that kind either contain each other or have no frame in common, so that a cheapest
// path never covers a frame twice: boundary by boundary is enough.
uint64_t CheapestOfNested(std::vector<GraphSegment> segments, uint64_t target) {
  std::sort(segments.begin(), segments.end(),
            [](const GraphSegment& a, const GraphSegment& b) { return a.first < b.first; });
  std::vector<uint64_t> cost(target + 1, UINT64_MAX);
  cost[0] = 0;
  for (const GraphSegment& s : segments) {
    const uint64_t before = cost[s.first.value() - 1];
    cost[s.last.value()] = std::min(cost[s.last.value()], before + s.cost);
  }
  return cost[target];
}

TEST(FrameGraph, AMillionSegmentsArePlanned) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<GraphSegment> segments = MillionSegments(&random);
  const uint64_t target = 10'000'000;
  auto path = CheapestPath(segments, FrameNo(target));
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(CheckedEffort(segments, *path, target).first, CheapestOfNested(segments, target));
}

}  // namespace
}  // namespace strata::compactor
