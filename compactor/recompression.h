#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compactor/block_cache.h"
#include "compactor/compaction.h"
#include "compactor/history.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "io/random.h"

// Encoding anew what is stored already. Why a sealed segment is replaced under its own name, and
// what that means for readers: docs/decisions/0023-recompression-replaces-sealed-segments.md.
namespace strata::compactor {

struct RecompressionOptions {
  int zstd_level = 6;
  uint32_t longest_chain = 16;
  DictionaryOptions dictionary;  // of frames and of pages; with `train`, both are new ones
  size_t threads = 0;            // 0: what suits the machine
};

struct RecompressedSegment {
  segment::StoredSegment before;
  segment::StoredSegment after;  // the same where nothing was gained
};

// Called before each segment is written, with segments done and segments in all.
using RecompressionProgress = std::function<void(uint64_t done, uint64_t total)>;

// Encodes each segment of `log` that counts as a whole again, one after the other, and keeps what
// is smaller. Killed at any point, each is the old or the new one, and both hold the same frames:
// the new one was read back and compared before it took the old one's place. Memory: twice the
// largest sealed segment, and that of Compact.
//
// DataLoss: a segment is damaged; those before it are done, it is as it was.
absl::StatusOr<std::vector<RecompressedSegment>> Recompress(
    io::ObjectStore* store, BlockCache* cache, io::Clock* clock, io::Random* random,
    const NamespaceHistory& history, const LogHistory& log, const RecompressionOptions& options,
    const RecompressionProgress& progress);

}  // namespace strata::compactor
