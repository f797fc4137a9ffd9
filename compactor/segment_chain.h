#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "io/object_store.h"
#include "segment/page_union.h"
#include "segment/segment_reader.h"

namespace strata::compactor {

// Opens a segment of a store and checks that it is what its key says: log id, frames, epoch, level,
// length and page size. DataLoss names the object and what differs.
absl::StatusOr<std::unique_ptr<segment::SegmentReader>> OpenStoredSegment(
    io::ObjectStore* store, BlockCache* cache, absl::string_view ns,
    const segment::StoredSegment& stored, uint32_t page_size);

// An opened link of a restore path.
struct OpenedSegment {
  segment::SegmentKey key;
  std::unique_ptr<segment::SegmentReader> reader;
  segment::FrameNo upto;  // used up to here

  bool is_whole() const { return upto == key.last; }
};

// The opened segments of a path or a part of one, oldest first: what the database was after the
// last of them, as far as they tell. Memory: their commit tables, and for a segment used in part
// its frame directory. Safe to read from several threads.
class SegmentChain {
 public:
  // Opens `path`, steps in log.segments. Store and cache must outlive the chain. DataLoss when a
  // segment is not what its key says, or when the chain's end is not a commit.
  static absl::StatusOr<std::unique_ptr<SegmentChain>> Open(io::ObjectStore* store,
                                                            BlockCache* cache, absl::string_view ns,
                                                            const LogHistory& log,
                                                            absl::Span<const PathStep> path);

  const std::vector<OpenedSegment>& segments() const { return segments_; }
  uint32_t page_size() const { return page_size_; }

  // The commit at the chain's end, and whether its digest means something.
  const segment::CommitEntry& commit() const { return commit_; }
  bool has_digest() const { return has_digest_; }

  // All commits of the chain, ascending, each once.
  std::vector<segment::CommitEntry> Commits() const;

  // The newest version of each page, in page order. page_hash is 0 where is_whole() is false. The
  // chain must outlive it.
  absl::StatusOr<std::unique_ptr<segment::PageUnion>> NewUnion() const;

 private:
  SegmentChain() = default;
  absl::Status FindCommit();

  std::vector<OpenedSegment> segments_;
  uint32_t page_size_ = 0;
  segment::CommitEntry commit_;
  bool has_digest_ = false;
};

}  // namespace strata::compactor
