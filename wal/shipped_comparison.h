#pragma once

#include "absl/status/status.h"
#include "segment/segment_reader.h"
#include "wal/log_state.h"

// Whether a segment that is in the store holds what the log holds. FailedPrecondition: it does not,
// so one of them is a copy of the database that went its own way. One call at a time
// (LogState::maintenance). Tested in tests/wal/merged_progress_test.cc.
namespace strata::wal {

// A sealed segment, frame by frame, with the times of the commits. The digest cannot be worked out
// here, because a checkpoint that was cut may have put pages of these very frames into the database
// file.
absl::Status CheckSameFrames(const LogState& state, const segment::SegmentReader& sealed);

// A compacted segment that holds frames on both sides of `after`: whether its end is the log's
// state at that frame, provided that both agree about `after`. `after` and the segment's end are
// commits of the log.
absl::Status CheckSameEnd(const LogState& state, const segment::SegmentReader& compacted,
                          segment::FrameNo after);

}  // namespace strata::wal
