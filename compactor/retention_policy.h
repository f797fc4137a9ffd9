#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace strata::compactor {

// For how long which commits are promised: of those not older than `for_us`, the last one in each
// interval of `every_us` (counted from 1970), or every one when that is 0.
struct RetentionTier {
  int64_t every_us = 0;
  int64_t for_us = 0;

  friend bool operator==(const RetentionTier&, const RetentionTier&) = default;
};

// From the finest tier to the coarsest. Empty: everything is promised for ever.
struct RetentionPolicy {
  std::vector<RetentionTier> tiers;

  friend bool operator==(const RetentionPolicy&, const RetentionPolicy&) = default;
};

// "all:24h, 1m:7d, 1h:30d, 1d:1y": pairs of interval and duration, in s, m, h, d, w or y (365
// days). InvalidArgument, which says why: what cannot be read, and what cannot be met, that is a
// tier that keeps more for longer than the one before it, or nothing: intervals and durations must
// both rise, and no interval may be longer than its duration.
absl::StatusOr<RetentionPolicy> ParseRetentionPolicy(absl::string_view text);

// The one spelling that is stored.
std::string ToString(const RetentionPolicy& policy);

// "24h": one duration, in microseconds.
absl::StatusOr<int64_t> ParseDuration(absl::string_view text);

}  // namespace strata::compactor
