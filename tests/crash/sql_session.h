#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace strata::crash {

// The bytes of a database after each transaction of a session of inserts, updates, deletes, schema
// changes and a VACUUM, as SQLite itself makes them.
std::vector<std::vector<uint8_t>> RecordSqlSession(uint32_t page_size, int transactions,
                                                   uint64_t seed);

// What PRAGMA integrity_check says about a database: "ok".
std::string IntegrityCheck(absl::Span<const uint8_t> database);

}  // namespace strata::crash
