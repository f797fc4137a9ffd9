#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "io/bytes.h"
#include "segment/ids.h"

namespace strata::segment {

// Plain page versions that were decoded lately, one for each page: who reads the frames of a
// segment in order decodes each once, and not its chain every time. Bounded in bytes. One thread
// at a time, one segment.
class RecentPages {
 public:
  static constexpr size_t kDefaultBytes = 8 << 20;

  explicit RecentPages(size_t capacity_bytes = kDefaultBytes) : capacity_bytes_(capacity_bytes) {}

  // The page with this ordinal; empty when it is not here. Valid until the next Put.
  io::ByteView Find(PageNo page, uint64_t ordinal);

  // Takes the place of another version of the same page.
  void Put(PageNo page, uint64_t ordinal, io::ByteView bytes);

 private:
  struct Version {
    uint32_t page = 0;
    uint64_t ordinal = 0;
    std::vector<uint8_t> bytes;
  };
  using Versions = std::list<Version>;

  const size_t capacity_bytes_;
  size_t bytes_ = 0;
  Versions versions_;  // most recently used first
  absl::flat_hash_map<uint32_t, Versions::iterator> by_page_;
};

}  // namespace strata::segment
