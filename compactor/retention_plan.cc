#include "compactor/retention_plan.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <queue>
#include <utility>

#include "io/status_macros.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;

int64_t WindowOf(int64_t time_us, int64_t every_us) {
  if (every_us == 0) return time_us;
  return time_us >= 0 ? time_us / every_us : (time_us + 1) / every_us - 1;
}

// Positions of the chosen segments, ascending by `key`.
template <typename Key>
std::vector<size_t> Sorted(absl::Span<const GraphSegment> segments, const std::vector<bool>& chosen,
                           Key key) {
  std::vector<size_t> order;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (chosen[i]) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return key(segments[a]) < key(segments[b]); });
  return order;
}

// How far frames are covered from 1 on by whole segments that end at or before a frame, which rises
// from call to call.
class Coverage {
 public:
  Coverage(absl::Span<const GraphSegment> segments, const std::vector<bool>& chosen)
      : segments_(segments),
        by_last_(Sorted(segments, chosen, [](const GraphSegment& s) { return s.last; })) {}

  FrameNo UpTo(FrameNo frame) {
    for (; next_ < by_last_.size() && segments_[by_last_[next_]].last <= frame; ++next_) {
      const GraphSegment& s = segments_[by_last_[next_]];
      waiting_.push({s.first, s.last});
    }
    while (!waiting_.empty() && waiting_.top().first <= reached_.next()) {
      reached_ = std::max(reached_, waiting_.top().second);
      waiting_.pop();
    }
    return reached_;
  }

 private:
  using Range = std::pair<FrameNo, FrameNo>;
  const absl::Span<const GraphSegment> segments_;
  const std::vector<size_t> by_last_;
  size_t next_ = 0;
  std::priority_queue<Range, std::vector<Range>, std::greater<Range>> waiting_;
  FrameNo reached_;
};

// The chosen segments that hold a frame, which rises from call to call.
class Holders {
 public:
  Holders(absl::Span<const GraphSegment> segments, const std::vector<bool>& chosen)
      : segments_(segments),
        by_first_(Sorted(segments, chosen, [](const GraphSegment& s) { return s.first; })) {}

  const std::vector<size_t>& Of(FrameNo frame) {
    for (; next_ < by_first_.size() && segments_[by_first_[next_]].first <= frame; ++next_) {
      holders_.push_back(by_first_[next_]);
    }
    std::erase_if(holders_, [&](size_t i) { return segments_[i].last < frame; });
    return holders_;
  }

 private:
  const absl::Span<const GraphSegment> segments_;
  const std::vector<size_t> by_first_;
  size_t next_ = 0;
  std::vector<size_t> holders_;
};

// The last link of a way to a promised commit, where there is but one.
void KeepOnlyEnds(absl::Span<const GraphSegment> segments, const std::set<FrameNo>& promised,
                  std::vector<bool>* kept) {
  Holders holders(segments, std::vector<bool>(segments.size(), true));
  for (FrameNo frame : promised) {
    std::optional<size_t> only;
    int count = 0;
    for (size_t i : holders.Of(frame)) {
      if (!segments[i].divisible && segments[i].last != frame) continue;
      only = i;
      ++count;
    }
    if (count == 1) (*kept)[*only] = true;
  }
}

}  // namespace

std::set<FrameNo> PromisedCommits(const CommitTimes& commits, const RetentionPolicy& policy,
                                  int64_t now_us) {
  std::set<FrameNo> promised;
  if (policy.tiers.empty()) {
    for (const auto& [frame, time_us] : commits) promised.insert(frame);
    return promised;
  }
  for (const RetentionTier& tier : policy.tiers) {
    std::map<int64_t, FrameNo> last_of_window;
    for (const auto& [frame, time_us] : commits) {
      if (now_us - time_us > tier.for_us) continue;
      if (tier.every_us == 0) {
        promised.insert(frame);
      } else {
        last_of_window[WindowOf(time_us, tier.every_us)] = frame;
      }
    }
    for (const auto& [window, frame] : last_of_window) promised.insert(frame);
  }
  return promised;
}

std::set<FrameNo> NotRestorable(absl::Span<const GraphSegment> segments,
                                const std::vector<bool>& chosen, const std::set<FrameNo>& wanted) {
  Coverage coverage(segments, chosen);
  Holders holders(segments, chosen);
  std::set<FrameNo> missing;
  for (FrameNo frame : wanted) {
    const FrameNo reached = coverage.UpTo(frame);
    const std::vector<size_t>& of_frame = holders.Of(frame);
    const bool found =
        reached == frame || std::any_of(of_frame.begin(), of_frame.end(), [&](size_t i) {
          return segments[i].divisible && segments[i].first <= reached.next();
        });
    if (!found) missing.insert(frame);
  }
  return missing;
}

absl::StatusOr<std::vector<bool>> SegmentsToKeep(absl::Span<const GraphSegment> segments,
                                                 const std::set<FrameNo>& promised) {
  std::vector<bool> kept(segments.size(), false);
  KeepOnlyEnds(segments, promised, &kept);
  std::vector<GraphSegment> priced(segments.begin(), segments.end());
  while (true) {
    const std::set<FrameNo> missing = NotRestorable(segments, kept, promised);
    if (missing.empty()) return kept;
    for (size_t i = 0; i < priced.size(); ++i) {
      // What is kept anyway costs nothing; what would be kept is kept whole.
      priced[i].cost = kept[i] ? 0 : segments[i].cost;
      priced[i].partial_cost_extra = kept[i] ? 0 : segments[i].cost;
    }
    STRATA_ASSIGN_OR_RETURN(const std::vector<PathStep> path,
                            CheapestPath(priced, *missing.rbegin()));
    for (const PathStep& step : path) kept[step.segment] = true;
  }
}

}  // namespace strata::compactor
