#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/ids.h"

// The commits inside a segment: what can be restored exactly. Format: docs/segment_format.md,
// "Commit table". Ascending by frame; the last entry is the segment's last frame.
namespace strata::segment {

struct CommitEntry {
  FrameNo frame;
  int64_t time_us = 0;              // microseconds since 1970
  uint32_t database_pages = 0;      // size of the database after the commit
  uint32_t min_database_pages = 0;  // smallest size at any commit since the entry before (this one
                                    // included), so that a thinned table still knows about shrinks
  uint64_t digest = 0;              // 0 when the segment's digest kind is kNone

  friend bool operator==(const CommitEntry&, const CommitEntry&) = default;
};

// Newest entry at or before `frame` / `time_us`; nullptr when all are later.
const CommitEntry* LastCommitAtOrBefore(const std::vector<CommitEntry>& commits, FrameNo frame);
const CommitEntry* LastCommitAtOrBeforeTime(const std::vector<CommitEntry>& commits,
                                            int64_t time_us);

// What a shrinking database means for its pages' versions. Memory: 4 bytes a commit.
class LowestSizes {
 public:
  explicit LowestSizes(const std::vector<CommitEntry>& commits);  // must outlive it

  // Smallest size in pages at any commit known to be at or after `frame`; UINT32_MAX when there is
  // none. A version of a page above this is dead.
  uint32_t Since(FrameNo frame) const;

 private:
  const std::vector<CommitEntry>& commits_;
  std::vector<uint32_t> lowest_;  // by entry: smallest in its interval and in all later ones
};

// More entries than this are refused on both sides, so that a hostile table cannot ask for more
// memory.
constexpr uint64_t kMaxCommits = 1 << 21;
constexpr size_t kCommitTableHeaderSize = 16;
constexpr size_t kCommitEntrySize = 32;

// InvalidArgument when `commit` may not follow `last` (nullptr: nothing before it).
absl::Status CheckCommitFollows(const CommitEntry* last, const CommitEntry& commit);

std::vector<uint8_t> EncodeCommitTable(const std::vector<CommitEntry>& commits);

// DataLoss: damaged, or entries that may not follow each other.
absl::StatusOr<std::vector<CommitEntry>> DecodeCommitTable(io::ByteView bytes);

}  // namespace strata::segment
