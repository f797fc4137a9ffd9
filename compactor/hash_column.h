#pragma once

#include <cstdint>
#include <vector>

#include "segment/digest.h"
#include "segment/ids.h"

namespace strata::compactor {

// The hash of every page of a database, and the digest that follows from them, kept up to date.
// Memory: 8 bytes a page.
class HashColumn {
 public:
  explicit HashColumn(uint32_t page_size) : page_size_(page_size) {}

  // Pages beyond `pages` are gone; new ones are zeros.
  void Resize(uint32_t pages);

  // A page beyond the end makes the database larger.
  void Set(segment::PageNo page, uint64_t page_hash);

  uint64_t digest() const { return digest_.value(); }
  uint32_t pages() const { return static_cast<uint32_t>(hashes_.size()); }

 private:
  void Toggle(size_t i);

  uint32_t page_size_;
  std::vector<uint64_t> hashes_;  // of page i + 1
  segment::Digest digest_;
};

}  // namespace strata::compactor
