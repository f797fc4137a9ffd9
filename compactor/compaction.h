#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "compactor/page_dictionary.h"
#include "compactor/strategies.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "io/random.h"
#include "segment/segment_writer.h"

// Merging segments into one. Nothing is deleted: the merged segment is one more edge of the frame
// graph, so everything that could be restored still can be.
namespace strata::compactor {

struct CompactionOptions {
  segment::PageEncoding encoding{segment::Codec::kZstdDictionary, 6, nullptr};
  DictionaryOptions dictionary;  // which one, with kZstdDictionary; without one it is kZstd
  size_t threads = 0;            // 0: what suits the machine
  std::function<void(uint64_t done, uint64_t total)> progress;  // pages; any thread; may be empty
};

// One merge: consecutive steps of a path, and the segment that they become.
struct PlannedCompaction {
  std::vector<PathStep> inputs;  // positions in log.segments
  segment::SegmentKey output;
  uint64_t input_bytes = 0;
};

// What `strategy` wants done to the cheapest path to the end of the log; merges whose result is
// there already are left out. NotFound: a gap, which is named. FailedPrecondition: the log has no
// segments.
absl::StatusOr<std::vector<PlannedCompaction>> PlanCompactions(const NamespaceHistory& history,
                                                               const LogHistory& log,
                                                               Strategy strategy);

struct CompactionResult {
  segment::StoredSegment output;
  uint64_t input_bytes = 0;
  uint64_t pages = 0;
  uint64_t commits_left_out = 0;  // of the commit table, because it would have been too long
  bool digest_checked = false;    // the whole database's; only possible from frame 1
  bool was_there = false;         // another compactor was faster; its segment was verified
};

// Reads the inputs' indexes, then only the versions that win, and streams them into a new object.
// Before it becomes visible each page was checked against its source's index, the digest (from
// frame 1 on) against the commit's, and the bytes that arrived in the store against those that were
// sent; afterwards it is read back and verified as a whole, and removed again if that fails; only
// then the manifest names it, and it counts. Killed at any point it leaves the old state (and
// perhaps an object that does not count), or the old state and the new segment. Aborted: another
// writer took over, or retention is deleting a segment of that name. Memory: about 20 MiB
// and 60 bytes a page of the result.
//
// DataLoss: an input is damaged (the message names the object and the place), or the result is.
absl::StatusOr<CompactionResult> Compact(io::ObjectStore* store, BlockCache* cache,
                                         io::Clock* clock, io::Random* random,
                                         const NamespaceHistory& history, const LogHistory& log,
                                         const PlannedCompaction& plan,
                                         const CompactionOptions& options);

}  // namespace strata::compactor
