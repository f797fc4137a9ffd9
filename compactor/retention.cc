#include "compactor/retention.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"
#include "segment/manifest_codec.h"
#include "segment/manifest_log.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using segment::ManifestEdits;
using segment::ManifestLog;
using segment::StoredSegment;

constexpr size_t kDeletionsAtATime = 500;
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

absl::Status PlanLog(io::ObjectStore* store, BlockCache* cache, const NamespaceHistory& history,
                     const LogHistory& log, const RetentionPolicy& policy, int64_t now_us,
                     RetentionReport* report) {
  STRATA_ASSIGN_OR_RETURN(const CommitTimes commits, RestorableCommits(store, cache, history, log));
  const std::set<FrameNo> promised = Promised(history, log, commits, policy, now_us);
  STRATA_ASSIGN_OR_RETURN(const std::vector<bool> kept, SegmentsToKeep(BuildGraph(log), promised));
  report->logs.push_back({log.log_id, commits.size(), promised.size()});
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) report->unneeded.push_back({log.segments[i].key, log.segments[i].size});
  }
  report->unneeded.insert(report->unneeded.end(), log.fenced.begin(), log.fenced.end());
  return absl::OkStatus();
}

// Objects first, and only then the marks: a segment that is marked is added by nobody, so no
// deletion can meet one that counts.
absl::Status DeleteExpired(const RetentionWorld& world, const std::vector<StoredSegment>& expired) {
  for (size_t at = 0; at < expired.size(); at += kDeletionsAtATime) {
    ManifestLog manifests(world.store, world.ns, world.clock, world.random);
    STRATA_RETURN_IF_ERROR(manifests.Refresh());
    const int64_t looked_us = world.clock->MonotonicMicros();
    STRATA_ASSIGN_OR_RETURN(const ManifestEdits state, manifests.ReadAll());
    ManifestEdits edits;
    for (size_t i = at; i < std::min(expired.size(), at + kDeletionsAtATime); ++i) {
      if (!state.marks.contains(expired[i].key)) continue;  // another run was faster
      if (world.clock->MonotonicMicros() - looked_us > kLookIsFreshUs) break;  // the next run
      STRATA_RETURN_IF_ERROR(
          world.store->Delete(segment::BuildSegmentKey(world.ns, expired[i].key)));
      edits.forgets.insert(expired[i].key);
    }
    STRATA_RETURN_IF_ERROR(manifests.Publish([&](const ManifestEdits&) { return edits; }));
  }
  return absl::OkStatus();
}

absl::Status CheckPinName(const std::string& name) {
  bool good = !name.empty() && name.size() <= segment::kMaxPinName;
  for (char c : name) good = good && absl::ascii_isprint(static_cast<unsigned char>(c));
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("pin \"", absl::CHexEscape(name.substr(0, 128)),
                                                 "\": expected 1 to 128 printable characters"));
}

// One change, and the hint behind it.
absl::Status PublishOne(
    const RetentionWorld& world,
    const std::function<absl::StatusOr<ManifestEdits>(const NamespaceHistory&)>& make) {
  ManifestLog manifests(world.store, world.ns, world.clock, world.random);
  STRATA_RETURN_IF_ERROR(
      manifests.Publish([&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        STRATA_ASSIGN_OR_RETURN(const ManifestEdits state, manifests.ReadAll());
        STRATA_ASSIGN_OR_RETURN(const NamespaceHistory history,
                                HistoryOf(world.ns, manifests.tip().number, state));
        if (history.logs.empty()) {
          return absl::NotFoundError(absl::StrCat("namespace ", world.ns, ": not in the store"));
        }
        return make(history);
      }));
  return manifests.WriteHint();
}

}  // namespace

absl::StatusOr<RetentionReport> PlanRetention(io::ObjectStore* store, BlockCache* cache,
                                              const NamespaceHistory& history, int64_t now_us,
                                              int64_t grace_us) {
  RetentionReport report;
  RetentionPolicy policy;
  if (!history.policy.empty()) {
    STRATA_ASSIGN_OR_RETURN(policy, ParseRetentionPolicy(history.policy));
  }
  for (const LogHistory& log : history.logs) {
    STRATA_RETURN_IF_ERROR(PlanLog(store, cache, history, log, policy, now_us, &report));
  }
  for (const auto& [key, mark] : history.marked) {
    const bool is_over = now_us - mark.marked_us >= grace_us;
    (is_over ? report.expired : report.waiting).push_back({key, mark.size});
  }
  return report;
}

absl::StatusOr<RetentionReport> ApplyRetention(const RetentionWorld& world, int64_t grace_us) {
  BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(const NamespaceHistory history,
                          LoadHistory(*world.store, world.ns, *world.clock));
  if (history.policy.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("namespace ", world.ns, ": no retention policy is set"));
  }
  STRATA_ASSIGN_OR_RETURN(
      RetentionReport report,
      PlanRetention(world.store, &cache, history, world.clock->NowMicros(), grace_us));
  STRATA_RETURN_IF_ERROR(DeleteExpired(world, report.expired));
  const std::vector<StoredSegment> expired = std::move(report.expired);
  STRATA_RETURN_IF_ERROR(
      PublishOne(world, [&](const NamespaceHistory& now) -> absl::StatusOr<ManifestEdits> {
        const int64_t now_us = world.clock->NowMicros();
        STRATA_ASSIGN_OR_RETURN(report, PlanRetention(world.store, &cache, now, now_us, grace_us));
        ManifestEdits edits;
        for (const StoredSegment& each : report.unneeded) {
          edits.marks[each.key] = {each.size, now_us};
        }
        return edits;
      }));
  report.expired = expired;
  return report;
}

absl::Status SetRetention(const RetentionWorld& world, absl::string_view policy) {
  std::string text;
  if (!policy.empty()) {
    STRATA_ASSIGN_OR_RETURN(const RetentionPolicy parsed, ParseRetentionPolicy(policy));
    text = ToString(parsed);
  }
  return PublishOne(world, [&](const NamespaceHistory&) -> absl::StatusOr<ManifestEdits> {
    ManifestEdits edits;
    edits.policy = text;
    return edits;
  });
}

absl::Status AddPin(const RetentionWorld& world, const std::string& name,
                    const ResolvedTarget& target) {
  STRATA_RETURN_IF_ERROR(CheckPinName(name));
  const segment::Pin pin{target.log->log_id, target.commit.frame, target.commit.time_us,
                         world.clock->NowMicros()};
  return PublishOne(world, [&](const NamespaceHistory& now) -> absl::StatusOr<ManifestEdits> {
    if (now.pins.contains(name)) {
      return absl::AlreadyExistsError(
          absl::StrCat("namespace ", world.ns, ": a pin \"", name, "\" is there already"));
    }
    const LogHistory* log = now.Find(pin.log_id);
    const std::vector<GraphSegment> graph = log ? BuildGraph(*log) : std::vector<GraphSegment>();
    if (!NotRestorable(graph, std::vector<bool>(graph.size(), true), {pin.frame}).empty()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "namespace ", world.ns, ": frame ", pin.frame.value(), " cannot be restored any more"));
    }
    ManifestEdits edits;
    edits.pins[name] = pin;
    return edits;
  });
}

absl::Status RemovePin(const RetentionWorld& world, const std::string& name) {
  return PublishOne(world, [&](const NamespaceHistory& now) -> absl::StatusOr<ManifestEdits> {
    if (!now.pins.contains(name)) {
      return absl::NotFoundError(
          absl::StrCat("namespace ", world.ns, ": no pin \"", absl::CHexEscape(name), "\""));
    }
    ManifestEdits edits;
    edits.pins[name] = std::nullopt;
    return edits;
  });
}

}  // namespace strata::compactor
