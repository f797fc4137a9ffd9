#pragma once

#include <cstdint>

#include "io/bytes.h"
#include "segment/ids.h"

namespace strata::segment {

// XXH3-64 over the page number (4 bytes, little-endian) followed by the page's bytes.
uint64_t PageHash(PageNo page, io::ByteView bytes);

// PageHash of a page of zeros: what a page never written counts as.
uint64_t ZeroPageHash(PageNo page, uint32_t page_size);

// The digest of a database: XOR of PageHash over pages 1..size without the lock-byte page. Adding
// and removing a page are the same operation.
class Digest {
 public:
  Digest() = default;
  explicit Digest(uint64_t value) : value_(value) {}
  void Toggle(uint64_t page_hash) { value_ ^= page_hash; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

}  // namespace strata::segment
