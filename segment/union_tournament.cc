#include "segment/union_tournament.h"

#include <algorithm>
#include <bit>

#include "io/status_macros.h"

namespace strata::segment {
namespace {

constexpr uint64_t kExhausted = UnionInput::kExhausted;

}  // namespace

uint64_t UnionTournament::KeyOf(size_t input) const {
  const uint64_t page = inputs_[input].page();
  return page == kExhausted ? kExhausted : page << 32 | (inputs_.size() - 1 - input);
}

// Plays all matches once.
void UnionTournament::Start(uint64_t budget) {
  budget_ = budget;
  last_page_ = kExhausted;
  leaves_ = std::bit_ceil(std::max<size_t>(inputs_.size(), 1));
  std::vector<uint64_t> winners(2 * leaves_, kExhausted);
  for (size_t i = 0; i < inputs_.size(); ++i) winners[leaves_ + i] = KeyOf(i);
  tree_.assign(leaves_, kExhausted);
  for (size_t match = leaves_; match-- > 1;) {
    winners[match] = std::min(winners[2 * match], winners[2 * match + 1]);
    tree_[match] = std::max(winners[2 * match], winners[2 * match + 1]);
  }
  tree_[0] = winners[1];
}

// Plays the matches of one input again, from its leaf up.
void UnionTournament::Replay(size_t input, uint64_t key) {
  for (size_t match = (leaves_ + input) / 2; match > 0; match /= 2) {
    const uint64_t rival = tree_[match];
    tree_[match] = std::max(key, rival);
    key = std::min(key, rival);
  }
  tree_[0] = key;
}

absl::StatusOr<size_t> UnionTournament::Take(absl::Span<UnionEntry> out) {
  size_t filled = 0;
  while (tree_[0] != kExhausted) {
    const uint64_t page = tree_[0] >> 32;
    const size_t input = inputs_.size() - 1 - (tree_[0] & UINT32_MAX);
    if (page != last_page_) {
      if (filled == out.size() || budget_ == 0) break;
      last_page_ = page;
      const PageIndexEntry& entry = inputs_[input].entry();
      out[filled++] = {entry.page, input, entry.ordinal, entry.page_hash};
    }
    budget_ -= budget_ > 0 ? 1 : 0;
    STRATA_RETURN_IF_ERROR(inputs_[input].Advance(1));
    Replay(input, KeyOf(input));
  }
  return filled;
}

}  // namespace strata::segment
