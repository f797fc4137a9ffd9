#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "segment/ids.h"

// Page number -> ordinal of the newest version of that page in a segment: sorted, immutable, looked up in
// place. Format: docs/segment_format.md, "Page index".
namespace strata::segment {

struct PageIndexEntry {
  PageNo page;
  uint32_t ordinal = 0;    // into the frame directory
  uint64_t page_hash = 0;  // PageHash of that version
};

// Streams entries, ascending by page, into the index's bytes. Memory: about 16 bytes per 128 entries.
class PageIndexBuilder;

// In-place lookups over the index's bytes in a source (a mapped file, memory or a store).
class PageIndex;

// Ascending by page.
class PageIndexIterator {
 public:
  virtual ~PageIndexIterator() = default;
  // nullopt at the end; DataLoss when a block is damaged.
  virtual absl::StatusOr<std::optional<PageIndexEntry>> Next() = 0;
};

}  // namespace strata::segment
