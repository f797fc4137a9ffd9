#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compactor/frame_graph.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "segment/manifest.h"
#include "segment/manifest_log.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"

// What a namespace's objects mean together: which segments count, and up to which frame. The rules
// are in docs/store_layout.md, "What counts".
namespace strata::compactor {

// A segment that counts, as far as it does.
struct CountedSegment {
  segment::SegmentKey key;
  uint64_t size = 0;            // bytes of the object
  segment::FrameNo upto;        // key.last, or less where a later epoch took over inside it
  segment::SegmentFacts facts;  // zeros but for the size when no manifest says more

  bool is_sealed() const { return key.level == segment::kSealedLevel; }
};

// One log id.
struct LogHistory {
  segment::LogId log_id;
  segment::LogId parent_log_id;
  segment::FrameNo parent_frame;
  uint32_t page_size = 0;
  segment::Epoch first_epoch;
  segment::FrameNo
      added_end;  // highest frame ever added, as far as claims let it stand; 0: unknown
  std::vector<segment::EpochClaim> claims;     // ascending
  std::vector<CountedSegment> segments;        // in key order
  std::vector<segment::StoredSegment> fenced;  // do not count: from a writer that had been replaced
};

struct NamespaceHistory {
  std::string ns;
  std::vector<LogHistory> logs;                   // in order of their first epoch
  std::vector<segment::StoredSegment> unclaimed;  // of log ids that no epoch claims; do not count

  uint64_t manifest = 0;   // number of the newest change; 0: found by listing
  int64_t changed_us = 0;  // when the clock of who made it said; 0: unknown
  absl::btree_map<segment::SegmentKey, segment::MarkedSegment>
      marked;  // to be deleted; do not count
  std::map<std::string, segment::Pin> pins;
  std::string policy;  // of retention; empty: none

  // The newest log id with segments that count; nullptr when nothing can be restored.
  const LogHistory* live() const;
  const LogHistory* Find(const segment::LogId& log_id) const;
};

// Applies the epochs to the segments of one log id (`segments` in key order, `claims` ascending,
// all of that log id). A pure function.
LogHistory CountSegments(absl::Span<const segment::StoredSegment> segments,
                         absl::Span<const segment::EpochClaim> claims);

// In key order, by log id.
using SegmentsByLog = std::map<segment::LogId, std::vector<segment::StoredSegment>>;

// What all segments and claims (ascending) of a namespace mean together. DataLoss names a claim
// that contradicts another. A pure function.
absl::StatusOr<NamespaceHistory> BuildHistory(absl::string_view ns, SegmentsByLog segments,
                                              absl::Span<const segment::EpochClaim> claims);

// What a manifest's state says, `tip` being its newest change. DataLoss names the claim that
// contradicts another.
absl::StatusOr<NamespaceHistory> HistoryOf(absl::string_view ns, const segment::ManifestTip& tip,
                                           const segment::ManifestEdits& state);

// Reads a namespace's manifests: two requests, and one for every part. A namespace without any is
// listed: segments first, then epochs. InvalidArgument or DataLoss name the object that does not
// belong there or is damaged. A namespace without any object is an empty history.
absl::StatusOr<NamespaceHistory> LoadHistory(io::ObjectStore& store, absl::string_view ns,
                                             io::Clock& clock = io::SystemClock());

// What one more request costs, expressed in bytes, and how many bytes a request brings.
constexpr uint64_t kRequestPriceBytes = 64 << 10;
constexpr uint64_t kRequestBytes = 4 << 20;

// NotFound for a namespace that the store has nothing of: where to look what it has.
absl::Status NotInTheStore(absl::string_view ns);

// NotFound for a namespace without a commit that could be restored, in the same manner.
absl::Status NothingToRestore(absl::string_view ns);

// Requests needed to fetch `bytes` of one object.
uint64_t RequestsFor(uint64_t bytes);

// The frame graph of a log: position i is segments[i].
std::vector<GraphSegment> BuildGraph(const LogHistory& log);

// The cheapest restore path to `target`, as positions in log.segments. Errors as CheapestPath, with
// the namespace and log id in front.
absl::StatusOr<std::vector<PathStep>> PlanPath(absl::string_view ns, const LogHistory& log,
                                               segment::FrameNo target);

// The path to `target` that keeps most commits exact: sealed segments wherever there are any.
absl::StatusOr<std::vector<PathStep>> PlanExactPath(absl::string_view ns, const LogHistory& log,
                                                    segment::FrameNo target);

// How far the log can be followed from frame 1: its end, or the frame before the first gap.
segment::FrameNo ReachableEnd(const LogHistory& log);
segment::FrameNo EndOf(const LogHistory& log);

}  // namespace strata::compactor
