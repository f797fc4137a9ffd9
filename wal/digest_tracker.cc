#include "wal/digest_tracker.h"

#include "io/status_macros.h"

namespace strata::wal {

using segment::PageNo;

absl::StatusOr<uint64_t> DigestTracker::Commit(uint32_t database_pages) {
  for (uint32_t page = database_pages + 1; page <= pages_; ++page)
    STRATA_RETURN_IF_ERROR(Leave(page));
  for (uint32_t page = pages_ + 1; page <= database_pages; ++page) {
    if (!transaction_.contains(page)) Enter(page, segment::ZeroPageHash(PageNo(page), page_size_));
  }
  for (const auto& [page, hash] : transaction_) {
    if (page > database_pages) continue;
    if (page <= pages_) STRATA_RETURN_IF_ERROR(Leave(page));
    Enter(page, hash);
  }
  pages_ = database_pages;
  transaction_.clear();
  return digest_.value();
}

absl::Status DigestTracker::Leave(uint32_t page) {
  if (PageNo(page) == segment::LockBytePage(page_size_)) return absl::OkStatus();
  const auto known = current_.find(page);
  if (known != current_.end()) {
    digest_.Toggle(known->second);
    current_.erase(known);
    return absl::OkStatus();
  }
  STRATA_ASSIGN_OR_RETURN(const uint64_t hash, prior_(PageNo(page)));
  digest_.Toggle(hash);
  return absl::OkStatus();
}

void DigestTracker::Enter(uint32_t page, uint64_t hash) {
  if (PageNo(page) == segment::LockBytePage(page_size_)) return;
  digest_.Toggle(hash);
  current_[page] = hash;
}

}  // namespace strata::wal
