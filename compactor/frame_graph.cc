#include "compactor/frame_graph.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_format.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;

constexpr uint32_t kNone = UINT32_MAX;

uint64_t SaturatingAdd(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

// A segment as far as it can be used for one target.
struct Edge {
  uint64_t begin = 0;  // boundaries
  uint64_t end = 0;
  uint64_t cost = 0;
  uint32_t segment = 0;
};

// Cost of a way to a boundary; fewer steps win among equal costs.
struct Distance {
  uint64_t cost = 0;
  uint32_t steps = 0;
  friend auto operator<=>(const Distance&, const Distance&) = default;
};

absl::Status CheckRanges(absl::Span<const GraphSegment> segments) {
  if (segments.size() >= kNone / 2)
    return absl::InvalidArgumentError("too many segments for one graph");
  for (const GraphSegment& s : segments) {
    if (s.first.value() >= 1 && s.first <= s.last) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("a segment of frames %d to %d", s.first.value(), s.last.value()));
  }
  return absl::OkStatus();
}

bool IsUsable(const GraphSegment& s, FrameNo target) {
  return s.first <= target && (s.last <= target || s.divisible);
}

uint64_t CostUpTo(const GraphSegment& s, FrameNo upto) {
  if (upto == s.last) return s.cost;
  double share = static_cast<double>(upto.value() - s.first.value() + 1) /
                 static_cast<double>(s.last.value() - s.first.value() + 1);
  uint64_t part = std::min(s.cost, static_cast<uint64_t>(static_cast<double>(s.cost) * share));
  return SaturatingAdd(part, s.partial_cost_extra);
}

// The cheapest path, found in one pass over the segments by their ends: a path needs no segment
// that ends before one it already has, so when a segment's turn comes, all that may stand before it
// had theirs.
class Search {
 public:
  Search(absl::Span<const GraphSegment> segments, FrameNo target) {
    CollectEdges(segments, target);
  }

  // False when the target cannot be reached.
  bool Run(FrameNo target);
  std::vector<PathStep> Path() const;  // after Run returned true

 private:
  // The cheapest way found that covers everything up to `end`.
  struct Way {
    uint64_t end = 0;
    Distance distance;
    uint32_t edge = kNone;  // the last one
  };

  void CollectEdges(absl::Span<const GraphSegment> segments, FrameNo target);
  void Enter(const Way& way);

  std::vector<Edge> edges_;         // by `end`
  std::vector<uint32_t> previous_;  // edge -> the one before it on the cheapest way; kNone: first
  // Ends and distances both go up: a way that leads further for less makes the one before useless.
  std::vector<Way> ways_;
};

void Search::CollectEdges(absl::Span<const GraphSegment> segments, FrameNo target) {
  edges_.reserve(segments.size());
  for (uint32_t i = 0; i < segments.size(); ++i) {
    const GraphSegment& s = segments[i];
    if (!IsUsable(s, target)) continue;
    const FrameNo end = std::min(s.last, target);
    edges_.push_back({s.first.value() - 1, end.value(), CostUpTo(s, end), i});
  }
  auto by_end = [](const Edge& a, const Edge& b) {
    return std::tie(a.end, a.segment) < std::tie(b.end, b.segment);
  };
  if (!std::is_sorted(edges_.begin(), edges_.end(), by_end)) {
    std::sort(edges_.begin(), edges_.end(), by_end);
  }
}

void Search::Enter(const Way& way) {
  const Way& furthest = ways_.back();
  if (furthest.end == way.end && furthest.distance <= way.distance) return;
  while (!ways_.empty() && ways_.back().distance >= way.distance) ways_.pop_back();
  ways_.push_back(way);
}

bool Search::Run(FrameNo target) {
  previous_.assign(edges_.size(), kNone);
  ways_ = {Way()};
  for (uint32_t i = 0; i < edges_.size(); ++i) {
    const Edge& edge = edges_[i];
    const auto from = std::partition_point(ways_.begin(), ways_.end(),
                                           [&](const Way& w) { return w.end < edge.begin; });
    if (from == ways_.end()) continue;  // frames before the segment are missing
    previous_[i] = from->edge;
    const Distance distance = {SaturatingAdd(from->distance.cost, edge.cost),
                               from->distance.steps + 1};
    Enter({edge.end, distance, i});
  }
  return ways_.back().end == target.value();
}

std::vector<PathStep> Search::Path() const {
  std::vector<PathStep> path;
  for (uint32_t i = ways_.back().edge; i != kNone; i = previous_[i]) {
    path.push_back({edges_[i].segment, FrameNo(edges_[i].end)});
  }
  std::reverse(path.begin(), path.end());
  return path;
}

absl::Status Unreachable(absl::Span<const GraphSegment> segments, FrameNo target) {
  std::vector<FrameRange> missing = MissingRanges(segments, target);
  if (!missing.empty()) {
    return absl::NotFoundError(
        absl::StrFormat("frames %d to %d are in no segment (wanted: 1 to %d)",
                        missing[0].first.value(), missing[0].last.value(), target.value()));
  }
  uint64_t below = 0;
  uint64_t above = UINT64_MAX;
  for (const GraphSegment& s : segments) {
    if (s.last < target) below = std::max(below, s.last.value());
    if (s.last > target) above = std::min(above, s.last.value());
  }
  return absl::FailedPreconditionError(absl::StrFormat(
      "frame %d lies inside a compacted segment; the nearest boundaries are %d and %d",
      target.value(), below, above));
}

}  // namespace

absl::StatusOr<std::vector<PathStep>> CheapestPath(absl::Span<const GraphSegment> segments,
                                                   FrameNo target) {
  STRATA_RETURN_IF_ERROR(CheckRanges(segments));
  if (target.value() == 0) return std::vector<PathStep>();
  Search search(segments, target);
  if (!search.Run(target)) return Unreachable(segments, target);
  return search.Path();
}

std::vector<FrameRange> MissingRanges(absl::Span<const GraphSegment> segments, FrameNo upto) {
  std::vector<FrameRange> ranges;
  for (const GraphSegment& s : segments) ranges.push_back({s.first, s.last});
  std::sort(ranges.begin(), ranges.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<FrameRange> missing;
  FrameNo covered;
  for (const FrameRange& range : ranges) {
    if (covered >= upto) break;
    if (range.first > covered.next()) {
      missing.push_back({covered.next(), std::min(range.first.previous(), upto)});
    }
    covered = std::max(covered, range.last);
  }
  if (covered < upto) missing.push_back({covered.next(), upto});
  return missing;
}

FrameNo HighestFrame(absl::Span<const GraphSegment> segments) {
  FrameNo highest;
  for (const GraphSegment& s : segments) highest = std::max(highest, s.last);
  return highest;
}

}  // namespace strata::compactor
