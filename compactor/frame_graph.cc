#include "compactor/frame_graph.h"

#include <algorithm>
#include <numeric>
#include <queue>
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
  uint32_t from = 0;  // nodes
  uint32_t to = 0;
  uint32_t segment = 0;
  uint64_t cost = 0;
};

// Cost of a way to a node; fewer steps win among equal costs.
struct Distance {
  uint64_t cost = UINT64_MAX;
  uint32_t steps = UINT32_MAX;
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

// The graph for one target, and Dijkstra's search in it. Besides the segments there is an edge that
// costs nothing from each node to the one before: what is covered up to a boundary is covered up to
// an earlier one.
class Search {
 public:
  Search(absl::Span<const GraphSegment> segments, FrameNo target)
      : segments_(segments), target_(target) {
    CollectNodes();
    CollectEdges();
  }

  // False when the target cannot be reached.
  bool Run();
  std::vector<PathStep> Path() const;

 private:
  struct Entry {
    Distance distance;
    uint32_t node;
    bool operator>(const Entry& other) const {
      return std::tie(distance, node) > std::tie(other.distance, other.node);
    }
  };
  using Queue = std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>>;

  void CollectNodes();
  void CollectEdges();
  void Relax(Queue* queue, Distance distance, uint32_t node, uint32_t through);

  uint32_t NodeOf(uint64_t boundary) const {
    return static_cast<uint32_t>(std::lower_bound(nodes_.begin(), nodes_.end(), boundary) -
                                 nodes_.begin());
  }
  uint64_t EndOf(const GraphSegment& s) const { return std::min(s.last, target_).value(); }

  absl::Span<const GraphSegment> segments_;
  FrameNo target_;
  std::vector<uint64_t> nodes_;     // boundaries, ascending
  std::vector<Edge> edges_;         // by `from`
  std::vector<uint32_t> edges_of_;  // node -> its first edge; one more at the end
  std::vector<Distance> distance_;
  std::vector<uint32_t> reached_by_;  // edge; kNone: the free edge, or not reached
};

void Search::CollectNodes() {
  nodes_ = {0, target_.value()};
  for (const GraphSegment& s : segments_) {
    if (!IsUsable(s, target_)) continue;
    nodes_.push_back(s.first.value() - 1);
    nodes_.push_back(EndOf(s));
  }
  std::sort(nodes_.begin(), nodes_.end());
  nodes_.erase(std::unique(nodes_.begin(), nodes_.end()), nodes_.end());
}

void Search::CollectEdges() {
  for (uint32_t i = 0; i < segments_.size(); ++i) {
    const GraphSegment& s = segments_[i];
    if (!IsUsable(s, target_)) continue;
    edges_.push_back(
        {NodeOf(s.first.value() - 1), NodeOf(EndOf(s)), i, CostUpTo(s, FrameNo(EndOf(s)))});
  }
  auto by_origin = [](const Edge& a, const Edge& b) {
    return std::tie(a.from, a.segment) < std::tie(b.from, b.segment);
  };
  if (!std::is_sorted(edges_.begin(), edges_.end(), by_origin)) {
    std::sort(edges_.begin(), edges_.end(), by_origin);
  }
  edges_of_.assign(nodes_.size() + 1, 0);
  for (const Edge& edge : edges_) ++edges_of_[edge.from + 1];
  std::partial_sum(edges_of_.begin(), edges_of_.end(), edges_of_.begin());
}

void Search::Relax(Queue* queue, Distance distance, uint32_t node, uint32_t through) {
  if (distance >= distance_[node]) return;
  distance_[node] = distance;
  reached_by_[node] = through;
  queue->push({distance, node});
}

bool Search::Run() {
  distance_.assign(nodes_.size(), Distance());
  reached_by_.assign(nodes_.size(), kNone);
  Queue queue;
  Relax(&queue, Distance{0, 0}, 0, kNone);
  const uint32_t goal = NodeOf(target_.value());
  while (!queue.empty()) {
    Entry entry = queue.top();
    queue.pop();
    if (entry.distance != distance_[entry.node]) continue;
    if (entry.node == goal) return true;
    if (entry.node > 0) Relax(&queue, entry.distance, entry.node - 1, kNone);
    for (uint32_t e = edges_of_[entry.node]; e < edges_of_[entry.node + 1]; ++e) {
      Distance next{SaturatingAdd(entry.distance.cost, edges_[e].cost), entry.distance.steps + 1};
      Relax(&queue, next, edges_[e].to, e);
    }
  }
  return false;
}

std::vector<PathStep> Search::Path() const {
  std::vector<PathStep> path;
  uint32_t node = NodeOf(target_.value());
  while (node != 0) {
    uint32_t through = reached_by_[node];
    if (through == kNone) {
      ++node;  // a free edge came from the boundary behind
      continue;
    }
    path.push_back({edges_[through].segment, FrameNo(nodes_[node])});
    node = edges_[through].from;
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
  if (!search.Run()) return Unreachable(segments, target);
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
