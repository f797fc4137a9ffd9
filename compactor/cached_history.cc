#include "compactor/cached_history.h"

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::compactor {

using segment::EpochClaim;
using segment::FrameNo;
using segment::StoredSegment;

absl::StatusOr<CachedHistory> LoadCachedHistory(meta::MetaDb* meta_db, absl::string_view store_url,
                                                absl::string_view ns) {
  STRATA_ASSIGN_OR_RETURN(const meta::MonitoredNamespace monitored, meta_db->Find(store_url, ns));
  if (monitored.synced_us == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("namespace ", ns, " of ", store_url, " was never synced"));
  }
  STRATA_ASSIGN_OR_RETURN(std::vector<StoredSegment> known, meta_db->Segments(monitored.id));
  STRATA_ASSIGN_OR_RETURN(const std::vector<EpochClaim> claims, meta_db->Epochs(monitored.id));
  SegmentsByLog segments;
  for (const StoredSegment& stored : known) segments[stored.key.log_id].push_back(stored);
  CachedHistory cached;
  cached.synced_us = monitored.synced_us;
  STRATA_ASSIGN_OR_RETURN(cached.history, BuildHistory(ns, std::move(segments), claims));
  return cached;
}

absl::StatusOr<std::vector<CoveredStretch>> CoverageOf(absl::string_view ns,
                                                       const LogHistory& log) {
  const FrameNo end = ReachableEnd(log);
  STRATA_ASSIGN_OR_RETURN(const std::vector<PathStep> path, PlanExactPath(ns, log, end));
  std::vector<CoveredStretch> stretches;
  FrameNo covered;
  for (const PathStep& step : path) {
    const CountedSegment& s = log.segments[step.segment];
    const bool goes_on = !stretches.empty() && stretches.back().is_exact && s.is_sealed();
    if (!goes_on) stretches.push_back({covered.next(), step.upto, s.is_sealed(), 0, 0});
    stretches.back().last = step.upto;
    stretches.back().segments += 1;
    stretches.back().bytes += s.size;
    covered = step.upto;
  }
  return stretches;
}

}  // namespace strata::compactor
