#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "segment/ids.h"

// The frame graph: frame boundaries are nodes, segments are edges, and a restore path is a path
// from boundary 0 to the target. A pure computation; tested against brute force in
// tests/compactor/frame_graph_test.cc.
namespace strata::compactor {

// An edge from boundary first - 1 to boundary last. Segments may overlap: laid over a state that
// already holds some of its frames, a segment only repeats them, so it may follow anything that
// ends at or behind first - 1.
struct GraphSegment {
  segment::FrameNo first;  // 1 <= first <= last
  segment::FrameNo last;
  uint64_t cost = 0;
  bool divisible = false;           // sealed: may also be used up to a frame before last
  uint64_t partial_cost_extra = 0;  // on top of the share of `cost` when used in part
};

struct PathStep {
  size_t segment = 0;     // position in the list
  segment::FrameNo upto;  // segments[segment].last, or the target inside it
};

// The steps of least total cost that give boundary `target`; fewest steps among equals. Empty for
// target 0. Time O(n log n), memory about 70 bytes a segment.
//
// NotFound: frames before the target are in no segment; the message names the first missing range.
// FailedPrecondition: all frames are there, but the target lies inside a segment that cannot be
// divided; the message names the nearest boundaries. InvalidArgument: a segment with an impossible
// range.
absl::StatusOr<std::vector<PathStep>> CheapestPath(absl::Span<const GraphSegment> segments,
                                                   segment::FrameNo target);

// A range of frames, both ends included.
struct FrameRange {
  segment::FrameNo first;
  segment::FrameNo last;
  friend bool operator==(const FrameRange&, const FrameRange&) = default;
};

// The ranges in [1..upto] that no segment covers, ascending.
std::vector<FrameRange> MissingRanges(absl::Span<const GraphSegment> segments,
                                      segment::FrameNo upto);

// The highest frame of any segment; 0 without segments.
segment::FrameNo HighestFrame(absl::Span<const GraphSegment> segments);

}  // namespace strata::compactor
