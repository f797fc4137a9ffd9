#include "compactor/strategies.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/status_macros.h"
#include "segment/store_layout.h"

namespace strata::compactor {
namespace {

absl::Status CheckChain(absl::Span<const ChainLink> chain) {
  for (size_t i = 0; i < chain.size(); ++i) {
    if (chain[i].first.value() < 1 || chain[i].first > chain[i].last) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "a segment of frames %d to %d", chain[i].first.value(), chain[i].last.value()));
    }
    if (i == 0) continue;
    if (chain[i].first > chain[i - 1].last.next()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("a set with a hole: frames %d to %d are missing",
                          chain[i - 1].last.next().value(), chain[i].first.previous().value()));
    }
    if (chain[i].last <= chain[i - 1].last) {
      return absl::InvalidArgumentError(
          absl::StrFormat("a set that does not advance: frame %d is followed by frame %d",
                          chain[i - 1].last.value(), chain[i].last.value()));
    }
  }
  return absl::OkStatus();
}

uint8_t HighestLevel(absl::Span<const ChainLink> links) {
  uint8_t level = segment::kBaseLevel;
  for (const ChainLink& link : links) level = std::max(level, link.level);
  return level;
}

MergeSet SetOf(absl::Span<const ChainLink> chain, size_t begin, size_t end) {
  return {begin, end, HighestLevel(chain.subspan(begin, end - begin))};
}

std::vector<MergeSet> ChooseAll(absl::Span<const ChainLink> chain) {
  if (chain.size() < 2) return {};
  return {SetOf(chain, 0, chain.size())};
}

// From the newest backwards, a segment joins the run behind it while it is less than twice as large
// as that. Runs are closed from the right, so the leftovers may offer more in the next round.
std::vector<MergeSet> ChooseLogarithmic(absl::Span<const ChainLink> chain) {
  std::vector<MergeSet> sets;
  size_t end = chain.size();
  while (end > 0) {
    size_t begin = end - 1;
    uint64_t bytes = chain[begin].bytes;
    while (begin > 0 && chain[begin - 1].bytes / 2 < bytes) {
      --begin;
      bytes += std::min(chain[begin].bytes, UINT64_MAX - bytes);
    }
    if (end - begin >= 2) sets.push_back(SetOf(chain, begin, end));
    end = begin;
  }
  std::reverse(sets.begin(), sets.end());
  return sets;
}

std::vector<MergeSet> ChooseTiered(absl::Span<const ChainLink> chain) {
  std::vector<MergeSet> sets;
  size_t begin = 0;
  for (size_t i = 0; i <= chain.size(); ++i) {
    if (i < chain.size() && chain[i].level == chain[begin].level && i - begin < kTierWidth)
      continue;
    if (i - begin == kTierWidth && chain[begin].level < segment::kMaxLevel) {
      sets.push_back({begin, i, static_cast<uint8_t>(chain[begin].level + 1)});
    }
    begin = i;
  }
  return sets;
}

}  // namespace

absl::StatusOr<Strategy> ParseStrategy(absl::string_view name) {
  if (name == "all") return Strategy::kAll;
  if (name == "log") return Strategy::kLogarithmic;
  if (name == "tiered") return Strategy::kTiered;
  return absl::InvalidArgumentError(
      absl::StrCat("strategy \"", name, "\": expected all, log or tiered"));
}

absl::StatusOr<std::vector<MergeSet>> ChooseMerges(Strategy strategy,
                                                   absl::Span<const ChainLink> chain) {
  STRATA_RETURN_IF_ERROR(CheckChain(chain));
  switch (strategy) {
    case Strategy::kAll:
      return ChooseAll(chain);
    case Strategy::kLogarithmic:
      return ChooseLogarithmic(chain);
    case Strategy::kTiered:
      return ChooseTiered(chain);
  }
  return absl::InvalidArgumentError("an unknown strategy");
}

std::vector<ChainLink> ApplyMerges(absl::Span<const ChainLink> chain,
                                   absl::Span<const MergeSet> sets) {
  std::vector<ChainLink> merged;
  size_t next = 0;
  for (size_t i = 0; i < chain.size();) {
    if (next == sets.size() || i < sets[next].begin) {
      merged.push_back(chain[i++]);
      continue;
    }
    const MergeSet& set = sets[next++];
    ChainLink link{chain[set.begin].first, chain[set.end - 1].last, 0, set.level};
    for (; i < set.end; ++i) link.bytes += std::min(chain[i].bytes, UINT64_MAX - link.bytes);
    merged.push_back(link);
  }
  return merged;
}

}  // namespace strata::compactor
