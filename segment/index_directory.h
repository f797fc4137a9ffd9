#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "segment/page_index_format.h"

namespace strata::segment {

// The lines of a page index, read where they lie, and hints that lead a lookup to the one or two
// lines that can hold a page. Format: docs/segment_format.md, "Page index". Memory: at most 8 bytes
// a line. Safe to read from any thread.
class IndexDirectory {
 public:
  IndexDirectory() = default;

  // Over `count` lines that outlive it. DataLoss, with what is wrong, unless the lines ascend, hold
  // `entries` pages in all, and describe blocks that lie one behind the other in `block_bytes`
  // bytes: after this a block's place needs no check.
  absl::Status Attach(const uint8_t* lines, size_t count, uint64_t entries, uint64_t block_bytes);

  size_t size() const { return size_; }
  IndexLine Line(size_t number) const { return DecodeIndexLine(lines_ + number * kIndexLineSize); }
  uint32_t FirstPage(size_t number) const {
    return FirstPageOfLine(lines_ + number * kIndexLineSize);
  }

  // Pages of a line are below this.
  uint64_t PageLimit(size_t number) const {
    return number + 1 < size_ ? FirstPage(number + 1) : uint64_t{UINT32_MAX} + 1;
  }

  // The last line whose first page is at most `page`, which is at least FirstPage(0).
  size_t Find(uint32_t page) const {
    const uint32_t bucket = (page - first_page_) >> shift_;
    const bool beyond = bucket >= hints_.size() - 1;
    size_t low = beyond ? size_ - 1 : hints_[bucket];
    size_t high = beyond ? size_ - 1 : hints_[bucket + 1];
    while (high - low > 1) {
      const size_t middle = low + (high - low) / 2;
      (FirstPage(middle) <= page ? low : high) = middle;
    }
    return FirstPage(high) <= page ? high : low;
  }

 private:
  absl::Status Check(uint64_t entries, uint64_t block_bytes) const;
  void MakeHints();

  const uint8_t* lines_ = nullptr;
  size_t size_ = 0;

  // The pages from the first line on fall into buckets of 2^shift_ pages; hints_[i] is the last
  // line that starts at or before the first page of bucket i. One more bucket than lines start in.
  uint32_t first_page_ = 0;
  int shift_ = 0;
  std::vector<uint32_t> hints_;
};

}  // namespace strata::segment
