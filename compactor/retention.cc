#include "compactor/retention.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"
#include "segment/manifest_log.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using segment::ManifestEdits;
using segment::ManifestLog;
using segment::MarkedSegment;
using segment::SegmentKey;
using segment::StoredSegment;

constexpr size_t kDeletionsAtATime = 500;
constexpr size_t kMarksAtATime = 10'000;  // some 300 KB
constexpr int kPlans = 5;                 // before it is left to the next run
constexpr int64_t kLookIsFreshUs = 60'000'000;

// The commits that one segment lets be restored, if the way to it is there.
absl::Status AddCommits(io::ObjectStore* store, BlockCache* cache, absl::string_view ns,
                        const LogHistory& log, const CountedSegment& counted,
                        CommitTimes* commits) {
  const bool is_whole = counted.upto == counted.key.last;
  const bool only_last = !counted.is_sealed() || counted.facts.commits == 1;
  if (is_whole && only_last && counted.facts.last_time_us != 0) {
    (*commits)[counted.upto] = counted.facts.last_time_us;
    return absl::OkStatus();
  }
  STRATA_ASSIGN_OR_RETURN(
      const auto reader,
      OpenStoredSegment(store, cache, ns, {counted.key, counted.size}, log.page_size));
  for (const segment::CommitEntry& commit : reader->commits()) {
    const bool counts =
        counted.is_sealed() ? commit.frame <= counted.upto : commit.frame == counted.upto;
    if (counts) (*commits)[commit.frame] = commit.time_us;
  }
  return absl::OkStatus();
}

absl::StatusOr<CommitTimes> RestorableCommits(io::ObjectStore* store, BlockCache* cache,
                                              const NamespaceHistory& history,
                                              const LogHistory& log) {
  CommitTimes commits;
  for (const CountedSegment& counted : log.segments) {
    STRATA_RETURN_IF_ERROR(AddCommits(store, cache, history.ns, log, counted, &commits));
  }
  std::set<FrameNo> frames;
  for (const auto& [frame, time_us] : commits) frames.insert(frame);
  const std::vector<GraphSegment> graph = BuildGraph(log);
  for (FrameNo frame : NotRestorable(graph, std::vector<bool>(graph.size(), true), frames)) {
    commits.erase(frame);
  }
  return commits;
}

// By policy, by name, and the newest of all, so that a namespace is never emptied.
std::set<FrameNo> Promised(const NamespaceHistory& history, const LogHistory& log,
                           const CommitTimes& commits, const RetentionPolicy& policy,
                           int64_t now_us) {
  std::set<FrameNo> promised = PromisedCommits(commits, policy, now_us);
  if (history.live() == &log && !commits.empty()) promised.insert(commits.rbegin()->first);
  for (const auto& [name, pin] : history.pins) {
    if (pin.log_id == log.log_id) promised.insert(pin.frame);
  }
  return promised;
}

// Behind a gap nothing can be restored, so nothing there would seem to be needed.
absl::Status CheckWhole(const NamespaceHistory& history, const LogHistory& log) {
  const bool has_newest_claim =
      std::all_of(history.logs.begin(), history.logs.end(), [&](const LogHistory& other) {
        return other.claims.back().epoch <= log.claims.back().epoch;
      });
  FrameNo end = EndOf(log);
  if (has_newest_claim || history.live() == &log) end = std::max(end, log.added_end);
  const FrameNo reachable = ReachableEnd(log);
  if (reachable >= end) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("namespace ", history.ns, ", log id ", segment::ToString(log.log_id),
                   ": it goes up to frame ", end.value(), ", but frame ", reachable.next().value(),
                   " is in no segment that counts: retention would take what is behind it for ",
                   "useless, and does nothing; `strata retention ", history.ns,
                   " unmark` takes back what was marked"));
}

absl::Status PlanLog(io::ObjectStore* store, BlockCache* cache, const NamespaceHistory& history,
                     const LogHistory& log, const RetentionPolicy& policy, int64_t now_us,
                     RetentionReport* report) {
  STRATA_RETURN_IF_ERROR(CheckWhole(history, log));
  STRATA_ASSIGN_OR_RETURN(const CommitTimes commits, RestorableCommits(store, cache, history, log));
  const std::set<FrameNo> promised = Promised(history, log, commits, policy, now_us);
  STRATA_ASSIGN_OR_RETURN(const std::vector<bool> kept, SegmentsToKeep(BuildGraph(log), promised));
  report->logs.push_back({log.log_id, commits.size(), promised.size()});
  for (size_t i = 0; i < kept.size(); ++i) {
    const CountedSegment& counted = log.segments[i];
    if (kept[i]) report->kept.push_back(counted.key);
    if (!kept[i]) report->unneeded.push_back({counted.key, counted.size});
  }
  report->unneeded.insert(report->unneeded.end(), log.fenced.begin(), log.fenced.end());
  return absl::OkStatus();
}

// A clock that is behind would give times to marks that are over at once for those that are not,
// and one that was set back keeps nothing from being too young. The newest change was made by then.
absl::StatusOr<int64_t> TimeOf(const NamespaceHistory& history, int64_t now_us) {
  if (history.changed_us - now_us <= kClockToleranceUs) return std::max(now_us, history.changed_us);
  return absl::FailedPreconditionError(absl::StrCat(
      "namespace ", history.ns, ": its newest change is ",
      (history.changed_us - now_us) / 1'000'000,
      " s ahead of this machine's clock: one of the clocks is wrong, and retention goes by them"));
}

struct Marked {
  SegmentKey key;
  MarkedSegment mark;
};

// Of what is about to be forgotten, or deleted, that which still stands there as it was seen.
bool StandsAsSeen(const ManifestEdits& state, const Marked& seen) {
  const auto at = state.marks.find(seen.key);
  return at != state.marks.end() && at->second == seen.mark;
}

// One run over the namespace.
class RetentionRun {
 public:
  RetentionRun(const RetentionWorld& world, int64_t grace_us)
      : world_(world),
        grace_us_(grace_us),
        manifests_(world.store, world.ns, world.clock, world.random) {
    manifests_.KeepParts();
  }

  absl::StatusOr<RetentionReport> Run();

 private:
  absl::StatusOr<RetentionReport> Plan();
  int64_t Now() { return std::max(world_.clock->NowMicros(), manifests_.tip().created_us); }
  std::vector<Marked> MarksOf(const std::vector<StoredSegment>& segments) const;
  absl::Status Delete(absl::Span<const Marked> batch);
  absl::Status Forget(absl::Span<const Marked> batch);
  absl::Status DeleteExpired(const RetentionReport& plan);
  absl::Status MarkUnneeded(const RetentionReport& plan);
  absl::StatusOr<ManifestEdits> MarksFor(const RetentionReport& plan,
                                         absl::Span<const StoredSegment> batch);

  const RetentionWorld& world_;
  const int64_t grace_us_;
  ManifestLog manifests_;
  BlockCache cache_;
  ManifestEdits planned_;  // what the plan was made from
};

absl::StatusOr<RetentionReport> RetentionRun::Plan() {
  STRATA_RETURN_IF_ERROR(manifests_.Refresh());
  STRATA_ASSIGN_OR_RETURN(planned_, manifests_.ReadAll());
  STRATA_ASSIGN_OR_RETURN(const NamespaceHistory history,
                          HistoryOf(world_.ns, manifests_.tip(), planned_));
  if (history.policy.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("namespace ", world_.ns, ": no retention policy is set"));
  }
  return PlanRetention(world_.store, &cache_, history, world_.clock->NowMicros(), grace_us_);
}

std::vector<Marked> RetentionRun::MarksOf(const std::vector<StoredSegment>& segments) const {
  std::vector<Marked> marks;
  for (const StoredSegment& each : segments) {
    marks.push_back({each.key, planned_.marks.at(each.key)});
  }
  return marks;
}

// Objects first, and only then the marks: a segment that is marked is added by nobody, so no
// deletion can meet one that counts. The name of a sealed segment is never made again. That of a
// compacted one may be, so it stays marked for longer than any other run could still be deleting.
absl::Status RetentionRun::Delete(absl::Span<const Marked> batch) {
  STRATA_RETURN_IF_ERROR(manifests_.Refresh());
  const int64_t looked_us = world_.clock->MonotonicMicros();
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits state, manifests_.ReadAll());
  std::vector<Marked> deleted;
  for (const Marked& each : batch) {
    if (!StandsAsSeen(state, each)) continue;  // another run was faster
    if (world_.clock->MonotonicMicros() - looked_us > kLookIsFreshUs) break;  // the next run
    STRATA_RETURN_IF_ERROR(world_.store->Delete(segment::BuildSegmentKey(world_.ns, each.key)));
    deleted.push_back(each);
  }
  return manifests_.Publish([&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
    STRATA_ASSIGN_OR_RETURN(const ManifestEdits now, manifests_.ReadAll());
    ManifestEdits edits;
    for (const Marked& each : deleted) {
      if (!StandsAsSeen(now, each)) continue;
      if (each.key.level == segment::kSealedLevel) {
        edits.forgets.insert(each.key);
      } else {
        edits.marks[each.key] = {0, Now()};
      }
    }
    return edits;
  });
}

absl::Status RetentionRun::Forget(absl::Span<const Marked> batch) {
  return manifests_.Publish([&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
    STRATA_ASSIGN_OR_RETURN(const ManifestEdits now, manifests_.ReadAll());
    ManifestEdits edits;
    for (const Marked& each : batch) {
      if (StandsAsSeen(now, each)) edits.forgets.insert(each.key);
    }
    return edits;
  });
}

absl::Status RetentionRun::DeleteExpired(const RetentionReport& plan) {
  const std::vector<Marked> expired = MarksOf(plan.expired);
  const std::vector<Marked> names = MarksOf(plan.old_names);
  for (size_t at = 0; at < expired.size(); at += kDeletionsAtATime) {
    STRATA_RETURN_IF_ERROR(Delete(absl::MakeSpan(expired).subspan(at, kDeletionsAtATime)));
  }
  for (size_t at = 0; at < names.size(); at += kMarksAtATime) {
    STRATA_RETURN_IF_ERROR(Forget(absl::MakeSpan(names).subspan(at, kMarksAtATime)));
  }
  return absl::OkStatus();
}

// What others added since the plan was made takes nothing from what it keeps: the way to its last
// commit stays. New pins, another policy, a claim and the marks of another run may.
absl::StatusOr<ManifestEdits> RetentionRun::MarksFor(const RetentionReport& plan,
                                                     absl::Span<const StoredSegment> batch) {
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits now, manifests_.ReadAll());
  const bool still_good =
      now.claims == planned_.claims && now.pins == planned_.pins && now.policy == planned_.policy &&
      std::all_of(plan.kept.begin(), plan.kept.end(),
                  [&](const SegmentKey& key) { return now.adds.contains(key); });
  if (!still_good) {
    return absl::AbortedError(absl::StrCat("namespace ", world_.ns,
                                           ": claims, pins, the policy or what is kept change all ",
                                           "the time; run retention again later"));
  }
  ManifestEdits edits;
  for (const StoredSegment& each : batch) {
    if (now.adds.contains(each.key)) edits.marks[each.key] = {each.size, Now()};
  }
  return edits;
}

absl::Status RetentionRun::MarkUnneeded(const RetentionReport& plan) {
  const auto all = absl::MakeConstSpan(plan.unneeded);
  for (size_t at = 0; at < all.size(); at += kMarksAtATime) {
    STRATA_RETURN_IF_ERROR(manifests_.Publish(
        [&](const ManifestEdits&) { return MarksFor(plan, all.subspan(at, kMarksAtATime)); }));
  }
  return absl::OkStatus();
}

absl::StatusOr<RetentionReport> RetentionRun::Run() {
  STRATA_ASSIGN_OR_RETURN(RetentionReport plan, Plan());
  STRATA_RETURN_IF_ERROR(DeleteExpired(plan));
  const std::vector<StoredSegment> expired = std::move(plan.expired);
  absl::Status marked = MarkUnneeded(plan);
  for (int plans = 1; absl::IsAborted(marked) && plans < kPlans; ++plans) {
    STRATA_ASSIGN_OR_RETURN(plan, Plan());
    marked = MarkUnneeded(plan);
  }
  STRATA_RETURN_IF_ERROR(marked);
  STRATA_RETURN_IF_ERROR(manifests_.WriteHint());
  plan.expired = expired;
  return plan;
}

}  // namespace

absl::StatusOr<RetentionReport> PlanRetention(io::ObjectStore* store, BlockCache* cache,
                                              const NamespaceHistory& history, int64_t now_us,
                                              int64_t grace_us) {
  RetentionReport report;
  RetentionPolicy policy;
  STRATA_ASSIGN_OR_RETURN(now_us, TimeOf(history, now_us));
  if (!history.policy.empty()) {
    STRATA_ASSIGN_OR_RETURN(policy, ParseRetentionPolicy(history.policy));
  }
  for (const LogHistory& log : history.logs) {
    STRATA_RETURN_IF_ERROR(PlanLog(store, cache, history, log, policy, now_us, &report));
  }
  for (const auto& [key, mark] : history.marked) {
    const int64_t age_us = now_us - mark.marked_us;
    if (!mark.is_deleted()) {
      (age_us >= grace_us ? report.expired : report.waiting).push_back({key, mark.size});
    } else if (age_us >= kNameStaysUs) {
      report.old_names.push_back({key, 0});
    }
  }
  return report;
}

absl::StatusOr<RetentionReport> ApplyRetention(const RetentionWorld& world, int64_t grace_us) {
  return RetentionRun(world, grace_us).Run();
}

}  // namespace strata::compactor
