#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compactor/compaction.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using segment::SegmentKey;

std::vector<ChainLink> ChainOf(const LogHistory& log, const std::vector<PathStep>& path) {
  std::vector<ChainLink> chain;
  for (const PathStep& step : path) {
    const CountedSegment& s = log.segments[step.segment];
    chain.push_back({s.key.first, step.upto, s.size, s.key.level});
  }
  return chain;
}

PlannedCompaction PlanOne(const LogHistory& log, const std::vector<PathStep>& path,
                          const MergeSet& set) {
  PlannedCompaction plan;
  plan.inputs.assign(path.begin() + set.begin, path.begin() + set.end);
  plan.output.log_id = log.log_id;
  plan.output.first = log.segments[plan.inputs.front().segment].key.first;
  plan.output.last = plan.inputs.back().upto;
  plan.output.level = set.level;
  for (const PathStep& step : plan.inputs) {
    const CountedSegment& s = log.segments[step.segment];
    plan.output.epoch = std::max(plan.output.epoch, s.key.epoch);
    plan.input_bytes += std::min(s.size, UINT64_MAX - plan.input_bytes);
  }
  return plan;
}

// The log's segments are in key order.
bool IsThere(const LogHistory& log, const SegmentKey& key) {
  auto at = std::lower_bound(
      log.segments.begin(), log.segments.end(), key,
      [](const CountedSegment& s, const SegmentKey& wanted) { return s.key < wanted; });
  return at != log.segments.end() && at->key == key;
}

}  // namespace

absl::StatusOr<std::vector<PlannedCompaction>> PlanCompactions(const NamespaceHistory& history,
                                                               const LogHistory& log,
                                                               Strategy strategy) {
  FrameNo end = EndOf(log);
  if (end.value() == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("namespace ", history.ns, ": no segments to compact"));
  }
  STRATA_ASSIGN_OR_RETURN(std::vector<PathStep> path, PlanPath(history.ns, log, end));
  STRATA_ASSIGN_OR_RETURN(std::vector<MergeSet> sets, ChooseMerges(strategy, ChainOf(log, path)));
  std::vector<PlannedCompaction> plans;
  for (const MergeSet& set : sets) {
    PlannedCompaction plan = PlanOne(log, path, set);
    const bool is_wanted = !IsThere(log, plan.output) && !history.marked.contains(plan.output);
    if (is_wanted) plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace strata::compactor
