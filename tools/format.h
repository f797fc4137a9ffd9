#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/clock.h"
#include "segment/commit_table.h"
#include "tools/command.h"

// How times, sizes and digests look to people and to machines.
namespace strata::tools {

using io::FormatTime;

// RFC 3339; InvalidArgument otherwise. Rounds down to microseconds.
absl::StatusOr<int64_t> ParseTime(const std::string& text);

// "812 B", "12.3 MiB"
std::string FormatBytes(uint64_t bytes);

// 16 hexadecimal digits.
std::string FormatDigest(uint64_t digest);

// {"frame":…, "time":…, "database_pages":…, "digest":…}
Json CommitJson(const segment::CommitEntry& commit);

// "frame 12 of 2026-01-31T…, 345 pages"
std::string DescribeCommit(const segment::CommitEntry& commit);

}  // namespace strata::tools
