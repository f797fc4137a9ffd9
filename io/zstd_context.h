#pragma once

#include <zstd.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// What the users of zstd in this folder share: contexts and the meaning of its results.
namespace strata::io {

// The contexts of this thread, fresh: parameters and references of the last use are gone. Owned by
// the thread. ResourceExhausted when memory is short.
absl::StatusOr<ZSTD_CCtx*> FreshCompressor();
absl::StatusOr<ZSTD_DCtx*> FreshDecompressor();

// The status of a result of ZSTD_*. A lack of memory is LackError(kMemory) in both; any other error
// is Internal where we wrote, DataLoss where we read.
absl::Status CheckZstdWriting(size_t result);
absl::Status CheckZstdReading(size_t result);

}  // namespace strata::io
