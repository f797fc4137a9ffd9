#pragma once

#include <cstdint>
#include <vector>

#include "segment/ids.h"

// The commits inside a segment: what can be restored exactly. Format: docs/segment_format.md, "Commit
// table". Ascending by frame; the last entry is the segment's last frame.
namespace strata::segment {

struct CommitEntry {
  FrameNo frame;
  int64_t time_us = 0;             // microseconds since 1970
  uint32_t database_pages = 0;     // size of the database after the commit
  uint32_t min_database_pages = 0; // smallest size at any commit since the entry before (this one included),
                                   // so that a thinned table still knows about shrinks
  uint64_t digest = 0;             // 0 when the segment's digest kind is kNone
};

// Newest entry at or before `frame` / `time_us`; nullptr when all are later.
const CommitEntry* LastCommitAtOrBefore(const std::vector<CommitEntry>& commits, FrameNo frame);
const CommitEntry* LastCommitAtOrBeforeTime(const std::vector<CommitEntry>& commits, int64_t time_us);

}  // namespace strata::segment
