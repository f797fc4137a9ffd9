#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sqlite/virtual_wal.h"
#include "wal/log_place.h"
#include "wal/options.h"

namespace strata::sqlite {

// wal::Options from the URI of a database: seal_bytes=, seal_ms=, segment_bytes=, … ;
// docs/settings.md is the table. InvalidArgument names a value that is no number or out of range.
absl::StatusOr<wal::Options> ReadSettings(const strata_wal_host* host, const char* wal_name);

// A store needs a namespace and the other way round; the namespace must be a good one.
absl::Status CheckStoreAddress(const wal::StoreAddress& store);

}  // namespace strata::sqlite
