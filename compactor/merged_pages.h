#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "compactor/page_fetcher.h"
#include "compactor/segment_chain.h"
#include "segment/segment_writer.h"

namespace strata::compactor {

// The newest versions of a chain, in page order, encoded for a new segment. Reads and encodes on
// several threads, a window of a few MiB at a time. One thread at a time uses it.
class MergedPages {
 public:
  MergedPages(const SegmentChain& chain, const segment::PageEncoding& encoding, size_t threads)
      : chain_(chain), encoding_(encoding), threads_(threads) {}

  // Appends all pages to `writer`. `progress` (may be empty) hears of pages done and pages in all.
  absl::Status WriteTo(segment::SegmentWriter* writer,
                       const std::function<void(uint64_t, uint64_t)>& progress);

  uint64_t pages() const { return pages_; }

  // Of the database, when the chain starts at frame 1: pages that have no version counted as zeros.
  uint64_t digest() const { return digest_; }

 private:
  struct EncodedPage {
    segment::FrameHeader header;
    std::vector<uint8_t> payload;
    uint64_t page_hash = 0;
  };

  bool IsEncodedAsWanted(const FetchedPage& fetched) const;
  absl::Status Encode(const FetchedPage& fetched);
  absl::Status EncodeWindow(absl::Span<const segment::UnionEntry> window);
  void AddToDigest(uint64_t page, uint64_t page_hash);
  void AddZeroPages(uint64_t begin, uint64_t end);

  const SegmentChain& chain_;
  const segment::PageEncoding encoding_;
  const size_t threads_;
  std::vector<EncodedPage> encoded_;  // of the window
  uint64_t pages_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace strata::compactor
