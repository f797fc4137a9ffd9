#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "segment/page_union.h"
#include "segment/union_input.h"

namespace strata::segment {

// Merges the inputs one page after the other: the cost of a page grows with the logarithm of the
// number of inputs, however far apart the pages lie.
class UnionTournament {
 public:
  explicit UnionTournament(std::vector<UnionInput>* inputs) : inputs_(*inputs) {}

  // Takes the inputs over as they stand, for `budget` entries and those of the same page.
  void Start(uint64_t budget);

  // Fills the front of `out` with the next winners. Fewer when no input has an entry left, or the
  // budget is used up: then every input is behind the last winner's page.
  absl::StatusOr<size_t> Take(absl::Span<UnionEntry> out);

 private:
  uint64_t KeyOf(size_t input) const;
  void Replay(size_t input, uint64_t key);

  std::vector<UnionInput>& inputs_;

  // tree_[0] is the winner, tree_[1..leaves_) hold the loser of each match. A key is the page and,
  // for equal pages, an order that puts the newest input first.
  std::vector<uint64_t> tree_;
  size_t leaves_ = 1;
  uint64_t budget_ = 0;
  uint64_t last_page_ = UnionInput::kExhausted;
};

}  // namespace strata::segment
