#pragma once

#include <cstdint>

#include "io/bytes.h"

namespace strata::io {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of every record and block. Chains:
// Crc32c(Crc32c(0, a), b) == Crc32c(0, a followed by b). ISA-L does the work at memory speed.
uint32_t Crc32c(uint32_t crc, ByteView bytes);

}  // namespace strata::io
