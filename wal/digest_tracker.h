#pragma once

#include <cstdint>
#include <functional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "segment/digest.h"
#include "segment/ids.h"

namespace strata::wal {

// Follows the digest of a database from commit to commit (docs/segment_format.md, "Digest"). One
// thread at a time.
class DigestTracker {
 public:
  // Hash of a page as it was at the start; asked at most once per page.
  using PriorHash = std::function<absl::StatusOr<uint64_t>(segment::PageNo)>;

  DigestTracker(uint64_t digest, uint32_t database_pages, uint32_t page_size, PriorHash prior)
      : digest_(digest), pages_(database_pages), page_size_(page_size), prior_(std::move(prior)) {}

  // A page version of the transaction that the next Commit ends; the last one of a page counts.
  void AddPage(segment::PageNo page, uint64_t hash) { transaction_[page.value()] = hash; }

  // Ends the transaction with the database `database_pages` long; returns the digest after it.
  absl::StatusOr<uint64_t> Commit(uint32_t database_pages);

 private:
  absl::Status Leave(uint32_t page);
  void Enter(uint32_t page, uint64_t hash);

  segment::Digest digest_;
  uint32_t pages_;
  const uint32_t page_size_;
  const PriorHash prior_;
  absl::flat_hash_map<uint32_t, uint64_t> current_;  // pages that changed since the start
  absl::flat_hash_map<uint32_t, uint64_t> transaction_;
};

}  // namespace strata::wal
