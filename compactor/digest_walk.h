#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "compactor/block_cache.h"
#include "compactor/hash_column.h"
#include "compactor/history.h"
#include "compactor/segment_chain.h"
#include "compactor/verify.h"
#include "io/object_store.h"

namespace strata::compactor {

// Goes through a log from frame 1 on and compares the digest after every commit with the one
// recomputed: after each commit of a sealed segment from its frames, after each compacted segment
// from its index, also of those that only repeat what others hold. Memory: 8 bytes a page of the
// database.
class DigestWalk {
 public:
  DigestWalk(io::ObjectStore* store, BlockCache* cache, absl::string_view ns, const LogHistory& log)
      : store_(store), cache_(cache), ns_(ns), log_(log), column_(log.page_size) {}

  absl::Status Run();

  uint64_t digests_checked() const { return digests_checked_; }
  const std::vector<VerifyFinding>& findings() const { return findings_; }
  const std::vector<VerifyFinding>& notes() const { return notes_; }

 private:
  absl::Status Step(const PathStep& step);
  absl::Status ApplySealed(const OpenedSegment& opened, segment::FrameNo after);
  absl::Status ApplyCompacted(const SegmentChain& chain, HashColumn* column);
  absl::Status CheckAlternatives(segment::FrameNo boundary);
  void Compare(const OpenedSegment& opened, const segment::CommitEntry& commit, uint64_t digest);

  io::ObjectStore* const store_;
  BlockCache* const cache_;
  const std::string ns_;
  const LogHistory& log_;
  HashColumn column_;
  segment::FrameNo at_;        // the column is the database after this frame
  std::vector<bool> is_done_;  // by position in log_.segments
  uint64_t digests_checked_ = 0;
  std::vector<VerifyFinding> findings_;
  std::vector<VerifyFinding> notes_;
};

}  // namespace strata::compactor
