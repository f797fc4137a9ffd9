#include "segment/union_window.h"

#include <algorithm>
#include <bit>

#include "io/bytes.h"
#include "io/status_macros.h"

namespace strata::segment {

absl::StatusOr<uint64_t> UnionWindow::Fill() {
  first_page_ = UnionInput::kExhausted;
  for (const UnionInput& input : inputs_) first_page_ = std::min(first_page_, input.page());
  if (first_page_ == UnionInput::kExhausted) return 0;
  uint64_t entries = 0;
  for (uint32_t i = 0; i < inputs_.size(); ++i) {
    STRATA_ASSIGN_OR_RETURN(const uint64_t taken, FillFrom(i));
    entries += taken;
  }
  FindFilled();
  return entries;
}

absl::StatusOr<uint64_t> UnionWindow::FillFrom(uint32_t number) {
  UnionInput& input = inputs_[number];
  const uint64_t end = std::min(first_page_ + kPages, input.highest_page() + uint64_t{1});
  uint64_t entries = 0;
  while (input.page() < end) {
    const absl::Span<const PageIndexEntry> ahead = input.ahead();
    size_t taken = 0;
    for (; taken < ahead.size() && ahead[taken].page.value() < end; ++taken) {
      const size_t slot = ahead[taken].page.value() - first_page_;
      slots_[slot] = {number, ahead[taken].ordinal, ahead[taken].page_hash};
      is_filled_[slot] = 1;
    }
    STRATA_RETURN_IF_ERROR(input.Advance(taken));
    entries += taken;
  }
  return entries;
}

// Turns is_filled_ into bits, eight bytes at a time, and clears it.
void UnionWindow::FindFilled() {
  constexpr uint64_t kGather = 0x0102040810204080;  // puts bit 0 of byte i at bit 56 + i
  for (size_t word = 0; word < filled_.size(); ++word) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; ++i) {
      const uint64_t eight = io::LoadLittleEndian<uint64_t>(is_filled_.data() + 64 * word + 8 * i);
      bits |= eight * kGather >> 56 << 8 * i;
    }
    filled_[word] = bits;
  }
  is_filled_.fill(0);
  next_word_ = 0;
}

size_t UnionWindow::Take(absl::Span<UnionEntry> out) {
  size_t taken = 0;
  for (; next_word_ < filled_.size(); ++next_word_) {
    uint64_t bits = filled_[next_word_];
    for (; bits != 0 && taken < out.size(); bits &= bits - 1) {
      const size_t slot = 64 * next_word_ + static_cast<size_t>(std::countr_zero(bits));
      const PageNo page(static_cast<uint32_t>(first_page_ + slot));
      out[taken++] = {page, slots_[slot].input, slots_[slot].ordinal, slots_[slot].page_hash};
    }
    filled_[next_word_] = bits;
    if (bits != 0) break;
  }
  return taken;
}

}  // namespace strata::segment
