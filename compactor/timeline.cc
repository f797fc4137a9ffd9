#include "compactor/timeline.h"

#include "absl/strings/str_cat.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"

namespace strata::compactor {

using segment::CommitEntry;
using segment::FrameNo;

absl::StatusOr<Timeline> Timeline::Open(io::ObjectStore* store, BlockCache* cache,
                                        absl::string_view ns, const LogHistory* log) {
  Timeline timeline(store, cache, ns, log);
  timeline.end_ = ReachableEnd(*log);
  if (timeline.end_.value() == 0) STRATA_RETURN_IF_ERROR(timeline.CheckComplete());
  STRATA_ASSIGN_OR_RETURN(timeline.path_, PlanExactPath(ns, *log, timeline.end_));
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
  const PathStep& step = path_[i];
  const CountedSegment& counted = log_->segments[step.segment];
  FrameNo before = i == 0 ? FrameNo() : path_[i - 1].upto;
  STRATA_ASSIGN_OR_RETURN(
      std::unique_ptr<segment::SegmentReader> reader,
      OpenStoredSegment(store_, cache_, ns_, {counted.key, counted.size}, log_->page_size));
  TimelineStretch stretch{counted.key, counted.size, counted.is_sealed(), false, {}};
  stretch.has_digest = reader->footer().digest_kind == segment::DigestKind::kXorXxh3;
  for (const CommitEntry& commit : reader->commits()) {
    bool restorable = counted.is_sealed() ? commit.frame > before && commit.frame <= step.upto
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
