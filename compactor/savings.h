#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "io/object_store.h"

namespace strata::compactor {

// What the segments of one kind take, and what they would take; bytes, the last two extrapolated
// from what was looked at.
struct SavingsEstimate {
  uint64_t bytes = 0;
  uint64_t looked_at = 0;     // bytes of the segments, or pages, that were encoded for this
  uint64_t recompressed = 0;  // with the dictionary there is
  uint64_t retrained = 0;     // with one trained anew; the same where none pays
};

struct Savings {
  SavingsEstimate sealed;
  SavingsEstimate compacted;
};

// What `compact --recompress`, without and with --train, would make of a log: encodes a few sealed
// segments and some pages of compacted ones in memory. Writes nothing. Time: some seconds. Errors
// of SegmentReader.
absl::StatusOr<Savings> EstimateSavings(io::ObjectStore* store, BlockCache* cache,
                                        absl::string_view ns, const LogHistory& log);

}  // namespace strata::compactor
