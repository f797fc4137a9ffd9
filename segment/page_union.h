#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "segment/commit_table.h"
#include "segment/ids.h"
#include "segment/page_index.h"

// N page indexes merged in one ordered pass: for each page the version of the newest source.
namespace strata::segment {

struct UnionEntry {
  PageNo page;
  size_t source = 0;  // position in the list of sources
  uint32_t ordinal = 0;
  uint64_t page_hash = 0;
};

// A source of a union: one segment (or the part of one up to a frame), oldest first in the list.
struct UnionSource {
  std::unique_ptr<PageIndexIterator> index;
  // Pages above this are dead in this source: the smallest database size at any commit of a newer
  // source, up to the target of the union. (An index leaves out what died within its own segment.)
  uint32_t live_limit = UINT32_MAX;
};

// Streams the winners in page order, up to `database_pages`. One thread at a time; memory: 24 KiB,
// and 4 KiB a source.
class PageUnion {
 public:
  PageUnion(std::vector<UnionSource> sources, uint32_t database_pages);
  ~PageUnion();
  absl::StatusOr<std::optional<UnionEntry>> Next();

  // Fills the front of `out`, which is not empty; the number filled, 0 at the end.
  absl::StatusOr<size_t> NextBatch(absl::Span<UnionEntry> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::segment
