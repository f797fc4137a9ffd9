#include "compactor/history.h"

#include <algorithm>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "io/random.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

using segment::EpochClaim;
using segment::FrameNo;
using segment::LogId;
using segment::StoredSegment;

// A frame that came from a compacted segment costs this much more than a segment, so that the exact
// path takes a compacted one only for frames that no sealed one has.
constexpr uint64_t kInexactFrameCost = 1 << 20;

uint64_t SaturatingMultiply(uint64_t a, uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

absl::Status Within(absl::string_view ns, const LogHistory& log, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("namespace ", ns, ", log id ", segment::ToString(log.log_id),
                                   ": ", status.message()));
}

// The frame from which on a segment of claims[i] does not count.
uint64_t FencedFrom(absl::Span<const EpochClaim> claims, size_t i) {
  uint64_t limit = UINT64_MAX;
  for (size_t later = i + 1; later < claims.size(); ++later) {
    limit = std::min(limit, claims[later].first_frame.value());
  }
  return limit;
}

}  // namespace

const LogHistory* NamespaceHistory::live() const {
  for (auto log = logs.rbegin(); log != logs.rend(); ++log) {
    if (!log->segments.empty()) return &*log;
  }
  return nullptr;
}

const LogHistory* NamespaceHistory::Find(const LogId& log_id) const {
  for (const LogHistory& log : logs) {
    if (log.log_id == log_id) return &log;
  }
  return nullptr;
}

LogHistory CountSegments(absl::Span<const StoredSegment> segments,
                         absl::Span<const EpochClaim> claims) {
  LogHistory log;
  log.claims.assign(claims.begin(), claims.end());
  if (!claims.empty()) {
    log.log_id = claims[0].log_id;
    log.parent_log_id = claims[0].parent_log_id;
    log.parent_frame = claims[0].parent_frame;
    log.page_size = claims[0].page_size;
    log.first_epoch = claims[0].epoch;
  }
  absl::flat_hash_map<uint64_t, uint64_t> fenced_from;  // by epoch
  for (size_t i = 0; i < claims.size(); ++i) {
    fenced_from[claims[i].epoch.value()] = FencedFrom(claims, i);
  }
  log.segments.reserve(segments.size());
  for (const StoredSegment& stored : segments) {
    auto limit = fenced_from.find(stored.key.epoch.value());
    bool counts = limit != fenced_from.end() && stored.key.first.value() < limit->second;
    FrameNo upto = counts ? std::min(stored.key.last, FrameNo(limit->second - 1)) : FrameNo();
    // The part of a compacted segment below the cut cannot be had.
    if (counts && upto < stored.key.last) counts = stored.key.level == segment::kSealedLevel;
    if (counts) {
      log.segments.push_back({stored.key, stored.size, upto, {stored.size, 0, 0, 0, 0}});
    } else {
      log.fenced.push_back(stored);
    }
  }
  return log;
}

absl::StatusOr<NamespaceHistory> BuildHistory(absl::string_view ns, SegmentsByLog segments,
                                              absl::Span<const EpochClaim> claims) {
  NamespaceHistory history;
  history.ns = std::string(ns);
  std::map<LogId, std::vector<EpochClaim>> claims_of;
  for (const EpochClaim& claim : claims) claims_of[claim.log_id].push_back(claim);
  for (const auto& [log_id, of_log] : claims_of) {
    for (const EpochClaim& claim : of_log) {
      if (claim.page_size == of_log[0].page_size) continue;
      return absl::DataLossError(absl::StrCat(
          segment::BuildEpochKey(ns, claim.epoch), ": page size ", claim.page_size, ", but epoch ",
          of_log[0].epoch.value(), " of the same log id says ", of_log[0].page_size));
    }
    history.logs.push_back(CountSegments(segments[log_id], of_log));
    segments.erase(log_id);
  }
  std::sort(history.logs.begin(), history.logs.end(),
            [](auto& a, auto& b) { return a.first_epoch < b.first_epoch; });
  for (const auto& [log_id, unclaimed] : segments) {
    history.unclaimed.insert(history.unclaimed.end(), unclaimed.begin(), unclaimed.end());
  }
  return history;
}

namespace {

absl::StatusOr<NamespaceHistory> ListHistory(io::ObjectStore& store, absl::string_view ns) {
  SegmentsByLog segments;
  STRATA_ASSIGN_OR_RETURN(std::vector<LogId> log_ids, segment::ListLogIds(store, ns));
  for (const LogId& log_id : log_ids) {
    STRATA_ASSIGN_OR_RETURN(segments[log_id], segment::ListSegments(store, ns, log_id));
  }
  STRATA_ASSIGN_OR_RETURN(std::vector<EpochClaim> claims, segment::ListEpochs(store, ns));
  return BuildHistory(ns, std::move(segments), claims);
}

}  // namespace

absl::StatusOr<NamespaceHistory> HistoryOf(absl::string_view ns, const segment::ManifestTip& tip,
                                           const segment::ManifestEdits& state) {
  SegmentsByLog segments;
  for (const auto& [key, facts] : state.adds) segments[key.log_id].push_back({key, facts.size});
  std::vector<EpochClaim> claims;
  for (const auto& [epoch, claim] : state.claims) claims.push_back(claim);
  STRATA_ASSIGN_OR_RETURN(NamespaceHistory history, BuildHistory(ns, std::move(segments), claims));
  for (LogHistory& log : history.logs) {
    log.added_end = state.end_of(log.log_id);
    for (CountedSegment& counted : log.segments) counted.facts = state.adds.at(counted.key);
  }
  history.manifest = tip.number;
  history.changed_us = tip.created_us;
  history.marked = state.marks;
  for (const auto& [name, pin] : state.pins) {
    if (pin) history.pins.emplace(name, *pin);
  }
  history.policy = state.policy.value_or("");
  return history;
}

absl::StatusOr<NamespaceHistory> LoadHistory(io::ObjectStore& store, absl::string_view ns,
                                             io::Clock& clock) {
  segment::ManifestLog manifests(&store, std::string(ns), &clock, &io::SystemRandom());
  STRATA_RETURN_IF_ERROR(manifests.Refresh());
  if (manifests.tip().number == 0) return ListHistory(store, ns);
  STRATA_ASSIGN_OR_RETURN(const segment::ManifestEdits state, manifests.ReadAll());
  return HistoryOf(ns, manifests.tip(), state);
}

uint64_t RequestsFor(uint64_t bytes) { return 1 + bytes / kRequestBytes; }

absl::Status NotInTheStore(absl::string_view ns) {
  return absl::NotFoundError(absl::StrCat(
      "namespace ", ns, ": not in the store (`strata namespaces` lists what the store has)"));
}

absl::Status NothingToRestore(absl::string_view ns) {
  return absl::NotFoundError(absl::StrCat(
      "namespace ", ns, ": nothing to restore (`strata namespaces` lists what the store has)"));
}

std::vector<GraphSegment> BuildGraph(const LogHistory& log) {
  std::vector<GraphSegment> graph;
  graph.reserve(log.segments.size());
  for (const CountedSegment& s : log.segments) {
    GraphSegment edge;
    edge.first = s.key.first;
    edge.last = s.upto;
    uint64_t price = SaturatingMultiply(RequestsFor(s.size), kRequestPriceBytes);
    edge.cost = s.size > UINT64_MAX - price ? UINT64_MAX : s.size + price;
    edge.divisible = s.is_sealed();
    edge.partial_cost_extra = kRequestPriceBytes;  // the frame directory
    graph.push_back(edge);
  }
  return graph;
}

absl::StatusOr<std::vector<PathStep>> PlanPath(absl::string_view ns, const LogHistory& log,
                                               FrameNo target) {
  absl::StatusOr<std::vector<PathStep>> path = CheapestPath(BuildGraph(log), target);
  if (!path.ok()) return Within(ns, log, path.status());
  return path;
}

absl::StatusOr<std::vector<PathStep>> PlanExactPath(absl::string_view ns, const LogHistory& log,
                                                    FrameNo target) {
  std::vector<GraphSegment> graph = BuildGraph(log);
  for (GraphSegment& edge : graph) {
    uint64_t frames = edge.last.value() - edge.first.value() + 1;
    edge.cost = edge.divisible ? 1 : SaturatingMultiply(frames, kInexactFrameCost);
  }
  absl::StatusOr<std::vector<PathStep>> path = CheapestPath(graph, target);
  if (!path.ok()) return Within(ns, log, path.status());
  return path;
}

FrameNo EndOf(const LogHistory& log) { return HighestFrame(BuildGraph(log)); }

FrameNo ReachableEnd(const LogHistory& log) {
  std::vector<GraphSegment> graph = BuildGraph(log);
  FrameNo end = HighestFrame(graph);
  std::vector<FrameRange> missing = MissingRanges(graph, end);
  return missing.empty() ? end : missing[0].first.previous();
}

}  // namespace strata::compactor
