#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "segment/ids.h"

// Which segments to merge. Pure functions on a chain of segments, tested by property in
// tests/compactor/strategies_test.cc: what they offer is contiguous, covers the same frames, makes
// the chain shorter, and after finitely many rounds they offer nothing more.
namespace strata::compactor {

// A link of a restore path. Each begins at or before the frame behind its predecessor and ends
// after it.
struct ChainLink {
  segment::FrameNo first;
  segment::FrameNo last;
  uint64_t bytes = 0;
  uint8_t level = 0;
};

// Positions [begin, end) of the chain, to become one segment of `level`. end - begin >= 2.
struct MergeSet {
  size_t begin = 0;
  size_t end = 0;
  uint8_t level = 0;
  friend bool operator==(const MergeSet&, const MergeSet&) = default;
};

enum class Strategy {
  kAll,          // the whole chain becomes one segment
  kLogarithmic,  // sizes fall at least by half from one to the next: at most about log2(bytes)
                 // segments
  kTiered,       // kTierWidth neighbours of a level become one of the next
};

constexpr size_t kTierWidth = 8;

// "all", "log", "tiered"; InvalidArgument otherwise.
absl::StatusOr<Strategy> ParseStrategy(absl::string_view name);

// Disjoint sets in ascending order; empty when there is nothing to do. InvalidArgument when the
// chain has a hole (the message names the missing range) or does not advance.
absl::StatusOr<std::vector<MergeSet>> ChooseMerges(Strategy strategy,
                                                   absl::Span<const ChainLink> chain);

// The chain after the merges, with sizes added up: what dry runs show and what tests iterate.
std::vector<ChainLink> ApplyMerges(absl::Span<const ChainLink> chain,
                                   absl::Span<const MergeSet> sets);

}  // namespace strata::compactor
