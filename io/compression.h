#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"

namespace strata::io {

// Compresses one block with zstd at `level` (1 to 19) into a frame that carries its content size.
// Returns the compressed bytes; ResourceExhausted when memory is short.
absl::StatusOr<std::vector<uint8_t>> CompressZstd(ByteView block, int level);

// Fills `out` exactly. DataLoss when the bytes are damaged or do not decode to out.size() bytes.
absl::Status DecompressZstd(ByteView compressed, MutableBytes out);

}  // namespace strata::io
