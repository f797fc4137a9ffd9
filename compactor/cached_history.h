#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compactor/history.h"
#include "meta/meta_db.h"

// What the meta-db can answer without the store: as old as its last sync, and good for plans and
// overviews only. Nothing is restored on its word.
namespace strata::compactor {

struct CachedHistory {
  NamespaceHistory history;
  int64_t synced_us = 0;  // when the meta-db last asked the store
};

// NotFound when the namespace is not monitored; FailedPrecondition when it was never synced.
absl::StatusOr<CachedHistory> LoadCachedHistory(meta::MetaDb* meta_db, absl::string_view store_url,
                                                absl::string_view ns);

// Neighbours on the timeline of a log that can be restored to in the same way.
struct CoveredStretch {
  segment::FrameNo first;
  segment::FrameNo last;
  bool is_exact = false;  // to every commit in it; otherwise only to `last`
  uint64_t segments = 0;
  uint64_t bytes = 0;  // of the objects
  friend bool operator==(const CoveredStretch&, const CoveredStretch&) = default;
};

// What can be restored of a log, as far as its segments' names tell: from frame 1 to the first gap,
// or the end. Empty without a first segment.
absl::StatusOr<std::vector<CoveredStretch>> CoverageOf(absl::string_view ns, const LogHistory& log);

}  // namespace strata::compactor
