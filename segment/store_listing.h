#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/object_store.h"
#include "segment/store_layout.h"

// What a store holds, by its names. An object whose name is not one of segment/store_layout.h is an
// error that names it, never skipped and never used. Threads: as the store.
//
// Who needs segments and epochs lists the segments first: a claim is made before the first segment
// of its epoch, so the epochs listed afterwards cover every segment seen.
namespace strata::segment {

inline constexpr size_t kListingPage = 1000;  // names per request

struct StoredSegment {
  SegmentKey key;
  uint64_t size = 0;  // bytes of the object

  friend bool operator==(const StoredSegment&, const StoredSegment&) = default;
};

// In key order: by first frame, last frame, epoch, level. `after` is the key of an object to go on
// behind; empty: from the start.
absl::StatusOr<std::vector<StoredSegment>> ListSegments(io::ObjectStore& store,
                                                        absl::string_view ns, const LogId& log_id,
                                                        absl::string_view after = {});

// Claims in order of their epochs, from the one after `after` on; one small GET each.
absl::StatusOr<std::vector<EpochClaim>> ListEpochs(io::ObjectStore& store, absl::string_view ns,
                                                   Epoch after = Epoch());

// One claim, read and checked against its key. NotFound when there is none.
absl::StatusOr<EpochClaim> ReadEpochClaim(io::ObjectStore& store, absl::string_view ns,
                                          Epoch epoch);

// Log ids that have segments, ascending.
absl::StatusOr<std::vector<LogId>> ListLogIds(io::ObjectStore& store, absl::string_view ns);

// Ascending.
absl::StatusOr<std::vector<std::string>> ListNamespaces(io::ObjectStore& store);

}  // namespace strata::segment
