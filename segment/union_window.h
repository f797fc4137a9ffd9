#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "segment/page_union.h"
#include "segment/union_input.h"

namespace strata::segment {

// Merges the inputs a range of pages at a time: each page has a slot, which the inputs overwrite
// from the oldest to the newest. No page is compared with another, so this is the fast way wherever
// a range has many entries.
class UnionWindow {
 public:
  static constexpr uint64_t kPages = 1024;

  explicit UnionWindow(std::vector<UnionInput>* inputs) : inputs_(*inputs) {}

  // Takes all entries of the next kPages pages, counted from the first one that any input has.
  // Returns their number, 0 when no input has one. Only when everything was taken out.
  absl::StatusOr<uint64_t> Fill();

  // Fills the front of `out` with the next winners of the window.
  size_t Take(absl::Span<UnionEntry> out);

 private:
  struct Slot {
    uint32_t input = 0;
    uint32_t ordinal = 0;
    uint64_t page_hash = 0;
  };

  absl::StatusOr<uint64_t> FillFrom(uint32_t input);
  void FindFilled();

  std::vector<UnionInput>& inputs_;
  uint64_t first_page_ = 0;
  std::array<Slot, kPages> slots_;
  std::array<uint8_t, kPages> is_filled_ = {};     // 0 or 1, while the window is being filled
  std::array<uint64_t, kPages / 64> filled_ = {};  // the slots not yet taken out
  size_t next_word_ = 0;                           // all before it are 0
};

}  // namespace strata::segment
