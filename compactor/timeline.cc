#include "compactor/timeline.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"

namespace strata::compactor {

using segment::CommitEntry;
using segment::FrameNo;

namespace {

// How far whole segments that end at or before a frame cover a log from frame 1 on.
class Reach {
 public:
  explicit Reach(const std::vector<CountedSegment>& segments) {
    std::vector<const CountedSegment*> by_end;
    for (const CountedSegment& s : segments) by_end.push_back(&s);
    std::sort(by_end.begin(), by_end.end(), [](auto* a, auto* b) { return a->upto < b->upto; });
    using Range = std::pair<FrameNo, FrameNo>;
    std::priority_queue<Range, std::vector<Range>, std::greater<Range>> waiting;
    FrameNo reached;
    for (const CountedSegment* s : by_end) {
      waiting.push({s->key.first, s->upto});
      for (; !waiting.empty() && waiting.top().first <= reached.next(); waiting.pop()) {
        reached = std::max(reached, waiting.top().second);
      }
      steps_.push_back({reached, s->upto});
    }
  }

  // The lowest frame from which on everything up to `wanted` is covered; nullopt: none.
  std::optional<FrameNo> From(FrameNo wanted) const {
    if (wanted == FrameNo(0)) return FrameNo(0);
    const auto at = std::lower_bound(steps_.begin(), steps_.end(), wanted,
                                     [](const Step& step, FrameNo w) { return step.reached < w; });
    if (at == steps_.end()) return std::nullopt;
    return at->at;
  }

 private:
  struct Step {
    FrameNo reached;  // ascending, as is `at`
    FrameNo at;
  };
  std::vector<Step> steps_;
};

}  // namespace

std::vector<TimelinePiece> TimelineOf(const LogHistory& log, FrameNo end) {
  const Reach reach(log.segments);
  std::vector<TimelinePiece> sealed;
  FrameNo before;
  for (size_t i = 0; i < log.segments.size(); ++i) {  // ascending by first frame
    const CountedSegment& s = log.segments[i];
    const std::optional<FrameNo> from = reach.From(s.key.first.previous());
    if (!s.is_sealed() || s.upto <= before || s.upto > end || !from || *from > s.upto) continue;
    const FrameNo lowest = std::max(s.key.first, *from);  // the first frame that can be reached
    sealed.push_back({i, std::max(before, lowest.previous()), s.upto});
    before = s.upto;
  }
  std::vector<TimelinePiece> pieces = sealed;
  for (size_t i = 0; i < log.segments.size(); ++i) {
    const CountedSegment& s = log.segments[i];
    const std::optional<FrameNo> from = reach.From(s.upto);
    if (s.is_sealed() || s.upto > end || !from || *from > s.upto) continue;
    const auto holder = std::lower_bound(
        sealed.begin(), sealed.end(), s.upto,
        [](const TimelinePiece& piece, FrameNo frame) { return piece.upto < frame; });
    if (holder != sealed.end() && holder->before < s.upto) continue;  // a commit of that one
    pieces.push_back({i, s.upto.previous(), s.upto});
  }
  std::sort(pieces.begin(), pieces.end(), [](const TimelinePiece& a, const TimelinePiece& b) {
    return std::pair(a.upto, a.segment) < std::pair(b.upto, b.segment);
  });
  pieces.erase(
      std::unique(pieces.begin(), pieces.end(),
                  [](const TimelinePiece& a, const TimelinePiece& b) { return a.upto == b.upto; }),
      pieces.end());
  return pieces;
}

absl::StatusOr<Timeline> Timeline::Open(io::ObjectStore* store, BlockCache* cache,
                                        absl::string_view ns, const LogHistory* log) {
  Timeline timeline(store, cache, ns, log);
  timeline.end_ = ReachableEnd(*log);
  if (timeline.end_.value() == 0) STRATA_RETURN_IF_ERROR(timeline.CheckComplete());
  timeline.path_ = TimelineOf(*log, timeline.end_);
  return timeline;
}

absl::Status Timeline::CheckComplete() const {
  FrameNo end = EndOf(*log_);
  if (end == end_ && end.value() != 0) return absl::OkStatus();
  if (end.value() == 0) {
    return absl::NotFoundError(absl::StrCat("namespace ", ns_, ": log id ",
                                            segment::ToString(log_->log_id), " has no segments"));
  }
  return PlanExactPath(ns_, *log_, end).status();
}

absl::StatusOr<TimelineStretch> Timeline::Stretch(size_t i) {
  const TimelinePiece& step = path_[i];
  const CountedSegment& counted = log_->segments[step.segment];
  STRATA_ASSIGN_OR_RETURN(
      std::unique_ptr<segment::SegmentReader> reader,
      OpenStoredSegment(store_, cache_, ns_, {counted.key, counted.size}, log_->page_size));
  TimelineStretch stretch{counted.key, counted.size, counted.is_sealed(), false, {}};
  stretch.has_digest = reader->footer().digest_kind == segment::DigestKind::kXorXxh3;
  for (const CommitEntry& commit : reader->commits()) {
    bool restorable = counted.is_sealed() ? commit.frame > step.before && commit.frame <= step.upto
                                          : commit.frame == step.upto;
    if (restorable) stretch.commits.push_back(commit);
  }
  if (stretch.commits.empty() || stretch.commits.back().frame != step.upto) {
    return absl::DataLossError(
        absl::StrCat(reader->source().name(), ": frame ", step.upto.value(), " is no commit"));
  }
  return stretch;
}

absl::StatusOr<Timeline::Place> Timeline::Find(IsLater is_later, uint64_t value) {
  // The last stretch whose first commit is not later lies below `high`.
  size_t low = 0;
  size_t high = path_.size();
  Place place;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    STRATA_ASSIGN_OR_RETURN(TimelineStretch stretch, Stretch(middle));
    if (is_later(stretch.commits.front(), value)) {
      place.next = stretch.commits.front();
      high = middle;
      continue;
    }
    low = middle + 1;
    for (const CommitEntry& commit : stretch.commits) {
      if (is_later(commit, value)) {
        place.next = commit;
        return place;
      }
      place.commit = commit;
    }
  }
  return place;
}

absl::StatusOr<Timeline::Place> Timeline::AtOrBefore(FrameNo frame) {
  return Find(
      [](const CommitEntry& commit, uint64_t value) { return commit.frame.value() > value; },
      frame.value());
}

absl::StatusOr<Timeline::Place> Timeline::AtOrBeforeTime(int64_t time_us) {
  return Find([](const CommitEntry& commit,
                 uint64_t value) { return commit.time_us > static_cast<int64_t>(value); },
              static_cast<uint64_t>(time_us));
}

absl::StatusOr<CommitEntry> Timeline::Last() {
  STRATA_ASSIGN_OR_RETURN(TimelineStretch stretch, Stretch(path_.size() - 1));
  return stretch.commits.back();
}

}  // namespace strata::compactor
