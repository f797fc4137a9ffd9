#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "io/status_macros.h"
#include "segment/page_index.h"

namespace strata::segment {

// One source of a union, read ahead: the entries up to a highest page. Memory: 4 KiB.
class UnionInput {
 public:
  static constexpr uint64_t kExhausted = UINT64_MAX;

  UnionInput(std::unique_ptr<PageIndexIterator> index, uint32_t highest_page)
      : index_(std::move(index)), highest_page_(highest_page) {}

  // Page of the current entry; kExhausted behind the last one, and before the first Advance.
  uint64_t page() const { return page_; }

  uint32_t highest_page() const { return highest_page_; }

  // Only while page() is not kExhausted.
  const PageIndexEntry& entry() const { return entries_[next_]; }

  // The current entry and those that are read already behind it.
  absl::Span<const PageIndexEntry> ahead() const {
    return absl::MakeConstSpan(entries_).subspan(next_, count_ - next_);
  }

  // Goes `entries` on, at most ahead().size(); before the first entry, 0.
  absl::Status Advance(size_t entries) {
    next_ += entries;
    if (next_ == count_) STRATA_RETURN_IF_ERROR(Refill());
    page_ = count_ == 0 || entry().page.value() > highest_page_ ? kExhausted : entry().page.value();
    return absl::OkStatus();
  }

 private:
  absl::Status Refill() {
    next_ = 0;
    count_ = 0;
    STRATA_ASSIGN_OR_RETURN(count_, index_->NextBatch(absl::MakeSpan(entries_)));
    return absl::OkStatus();
  }

  std::unique_ptr<PageIndexIterator> index_;
  uint32_t highest_page_;
  uint64_t page_ = kExhausted;
  std::array<PageIndexEntry, 256> entries_;
  size_t count_ = 0;
  size_t next_ = 0;
};

}  // namespace strata::segment
