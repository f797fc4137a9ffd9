#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strata::meta {

// SQLite's own opinion of a closed database file: the lines of PRAGMA integrity_check, at most 100;
// none when it is well. An error when it cannot be opened at all. Writes nothing.
absl::StatusOr<std::vector<std::string>> IntegrityCheck(const std::string& path);

}  // namespace strata::meta
