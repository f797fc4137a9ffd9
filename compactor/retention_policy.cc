#include "compactor/retention_policy.h"

#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = 86'400 * kSecondUs;
constexpr int64_t kLongestUs = 1000 * 365 * kDayUs;
constexpr size_t kMaxTiers = 16;

// Longest first, for printing.
constexpr std::array<std::pair<char, int64_t>, 6> kUnits = {{{'y', 365 * kDayUs},
                                                             {'w', 7 * kDayUs},
                                                             {'d', kDayUs},
                                                             {'h', 3600 * kSecondUs},
                                                             {'m', 60 * kSecondUs},
                                                             {'s', kSecondUs}}};

std::string DurationText(int64_t us) {
  for (const auto& [letter, length] : kUnits) {
    if (us % length == 0) return absl::StrCat(us / length, std::string(1, letter));
  }
  return absl::StrCat(us, "us");
}

absl::StatusOr<RetentionTier> ParseTier(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  RetentionTier tier;
  if (absl::StripAsciiWhitespace(parts.first) != "all") {
    STRATA_ASSIGN_OR_RETURN(tier.every_us, ParseDuration(parts.first));
  }
  STRATA_ASSIGN_OR_RETURN(tier.for_us, ParseDuration(parts.second));
  if (tier.every_us > tier.for_us) {
    return absl::InvalidArgumentError(
        absl::StrCat("retention \"", absl::CHexEscape(text),
                     "\" cannot be met: the interval is longer than the duration"));
  }
  return tier;
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  int64_t count = 0;
  if (text.size() > 1 && absl::SimpleAtoi(text.substr(0, text.size() - 1), &count)) {
    for (const auto& [letter, length] : kUnits) {
      if (text.back() == letter && count > 0 && count <= kLongestUs / length) return count * length;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("duration \"",
                                                 absl::CHexEscape(text.substr(0, 64)),
                                                 "\": expected a whole number from 1 on and one of "
                                                 "s, m, h, d, w, y, as in 24h; at most 1000y"));
}

absl::StatusOr<RetentionPolicy> ParseRetentionPolicy(absl::string_view text) {
  RetentionPolicy policy;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    STRATA_ASSIGN_OR_RETURN(const RetentionTier tier, ParseTier(part));
    if (!policy.tiers.empty()) {
      const RetentionTier& finer = policy.tiers.back();
      if (tier.every_us <= finer.every_us || tier.for_us <= finer.for_us) {
        return absl::InvalidArgumentError(absl::StrCat(
            "retention tier \"", absl::CHexEscape(absl::StripAsciiWhitespace(part)),
            "\" cannot be met: both its interval and its duration must be longer than those of the "
            "tier before it"));
      }
    }
    policy.tiers.push_back(tier);
  }
  if (policy.tiers.size() > kMaxTiers) {
    return absl::InvalidArgumentError(
        absl::StrCat("a retention policy of ", policy.tiers.size(), " tiers; at most ", kMaxTiers));
  }
  return policy;
}

std::string ToString(const RetentionPolicy& policy) {
  return absl::StrJoin(policy.tiers, ", ", [](std::string* out, const RetentionTier& tier) {
    absl::StrAppend(out, tier.every_us == 0 ? "all" : DurationText(tier.every_us), ":",
                    DurationText(tier.for_us));
  });
}

}  // namespace strata::compactor
