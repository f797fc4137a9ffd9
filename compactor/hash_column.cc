#include "compactor/hash_column.h"

namespace strata::compactor {

using segment::PageNo;

void HashColumn::Toggle(size_t i) {
  if (PageNo(static_cast<uint32_t>(i + 1)) != segment::LockBytePage(page_size_))
    digest_.Toggle(hashes_[i]);
}

void HashColumn::Resize(uint32_t pages) {
  while (hashes_.size() > pages) {
    Toggle(hashes_.size() - 1);
    hashes_.pop_back();
  }
  while (hashes_.size() < pages) {
    hashes_.push_back(
        segment::ZeroPageHash(PageNo(static_cast<uint32_t>(hashes_.size() + 1)), page_size_));
    Toggle(hashes_.size() - 1);
  }
}

void HashColumn::Set(PageNo page, uint64_t page_hash) {
  if (page.value() > hashes_.size()) Resize(page.value());
  Toggle(page.value() - 1);
  hashes_[page.value() - 1] = page_hash;
  Toggle(page.value() - 1);
}

}  // namespace strata::compactor
