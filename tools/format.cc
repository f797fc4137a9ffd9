#include "tools/format.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace strata::tools {

absl::StatusOr<int64_t> ParseTime(const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error) && time != absl::InfiniteFuture() &&
      time != absl::InfinitePast()) {
    return absl::ToUnixMicros(time);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("time \"", text, "\": expected RFC 3339, as in 2026-01-31T12:34:56.5Z"));
}

std::string FormatBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < 6; ++unit) value /= 1024;
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string FormatDigest(uint64_t digest) { return absl::StrFormat("%016x", digest); }

Json CommitJson(const segment::CommitEntry& commit) {
  return {{"frame", commit.frame.value()},
          {"time", FormatTime(commit.time_us)},
          {"database_pages", commit.database_pages},
          {"digest", FormatDigest(commit.digest)}};
}

std::string DescribeCommit(const segment::CommitEntry& commit) {
  return absl::StrCat("frame ", commit.frame.value(), " of ", FormatTime(commit.time_us), ", ",
                      commit.database_pages, " pages");
}

}  // namespace strata::tools
