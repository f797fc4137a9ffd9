#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compactor/frame_graph.h"
#include "compactor/retention_policy.h"

// Which commits are promised, and which segments that takes. Pure computations; tested against
// brute force in tests/compactor/retention_test.cc.
namespace strata::compactor {

using CommitTimes = std::map<segment::FrameNo, int64_t>;  // restorable commits; microseconds

// The commits that `policy` promises at `now_us`. With clocks that step back commits may lie in the
// future: they are young.
std::set<segment::FrameNo> PromisedCommits(const CommitTimes& commits,
                                           const RetentionPolicy& policy, int64_t now_us);

// Those of `wanted` that the chosen segments do not give exactly.
std::set<segment::FrameNo> NotRestorable(absl::Span<const GraphSegment> segments,
                                         const std::vector<bool>& chosen,
                                         const std::set<segment::FrameNo>& wanted);

// Segments with which every promised commit can be restored exactly: few bytes, though not the
// fewest there could be. An error as CheapestPath's when a promised commit cannot be restored with
// all of them.
absl::StatusOr<std::vector<bool>> SegmentsToKeep(absl::Span<const GraphSegment> segments,
                                                 const std::set<segment::FrameNo>& promised);

}  // namespace strata::compactor
