#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace strata::crash {

// Bytes of a page that only this page in this version has. Version 0 is a page never written:
// zeros. Page 1 says the page size where an SQLite header does.
void FillPage(uint32_t page, uint64_t version, absl::Span<uint8_t> out);

// A database as numbers: which version each page has. Digest as in docs/segment_format.md.
class DatabaseState {
 public:
  explicit DatabaseState(uint32_t page_size) : page_size_(page_size) {}
  // Of pages that FillPage does not know.
  static DatabaseState WithDigest(uint32_t page_size, uint64_t digest);

  uint32_t page_size() const { return page_size_; }
  uint32_t pages() const { return static_cast<uint32_t>(versions_.size()); }
  uint64_t version(uint32_t page) const { return page <= pages() ? versions_[page - 1] : 0; }
  uint64_t digest() const { return digest_; }

  void Set(uint32_t page, uint64_t version);
  void Resize(uint32_t pages);  // new pages have version 0

 private:
  uint64_t HashOf(uint32_t page) const;

  uint32_t page_size_;
  std::vector<uint64_t> versions_;
  uint64_t digest_ = 0;
};

}  // namespace strata::crash
