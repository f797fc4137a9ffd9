#pragma once

#include <cstdint>

namespace strata::io {

// Whether a statfs(2) f_type is of a file system that several machines may share, or of FUSE,
// behind which anything may be. Numbers: linux/magic.h and the file systems' own headers.
bool IsNetworkMagic(uint64_t magic);

}  // namespace strata::io
