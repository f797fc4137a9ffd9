#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compactor/page_fetcher.h"
#include "compactor/segment_chain.h"
#include "segment/frame.h"
#include "segment/page_union.h"
#include "segment/segment_reader.h"

namespace strata::compactor {

// What one thread of FetchPages does: winners that are stored near each other are read at once,
// checked and decoded. Keeps its buffers from one run to the next.
class PageRun {
 public:
  // Winners of a run: about 1 MiB of pages.
  static size_t Length(uint32_t page_size);

  // All of them outlive it.
  PageRun(const SegmentChain& chain, absl::Span<const segment::UnionEntry> winners,
          const PagesUser& use)
      : chain_(chain), winners_(winners), use_(use) {}

  // `positions` in the list of winners, in storage order, at most Length() of them.
  absl::Status Fetch(absl::Span<const uint32_t> positions);

 private:
  struct Wanted {
    uint32_t position = 0;
    size_t source = 0;
    segment::DirectoryEntry entry;
    uint64_t end = 0;  // of its record
  };

  absl::Status FindEntries(absl::Span<const uint32_t> positions);
  absl::StatusOr<segment::DirectoryEntry> FindEntry(const segment::UnionEntry& winner);
  size_t ExtentFrom(size_t begin) const;
  absl::Status ReadExtent(absl::Span<const Wanted> extent);
  absl::StatusOr<FetchedPage> Take(const Wanted& wanted, io::ByteView record, uint8_t* room) const;

  const SegmentChain& chain_;
  const absl::Span<const segment::UnionEntry> winners_;
  const PagesUser& use_;

  // Frame directory lines of one segment, read in stretches.
  size_t lines_source_ = SIZE_MAX;
  uint64_t lines_first_ = 0;
  std::vector<segment::DirectoryEntry> lines_;

  std::vector<Wanted> wanted_;
  std::vector<uint8_t> stored_;   // the extent
  std::vector<uint8_t> decoded_;  // room for its pages
  std::vector<FetchedPage> fetched_;
};

}  // namespace strata::compactor
