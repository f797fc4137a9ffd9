#include "io/checksum.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace strata::io {

uint32_t Crc32c(uint32_t crc, ByteView bytes) {
  // ISA-L works on the bare register, whose initial and final inversion are left to us, and takes
  // its length as an int.
  constexpr size_t kMaxPiece = size_t{1} << 30;
  uint32_t reg = ~crc;
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min(bytes.size(), kMaxPiece));
    reg = ::crc32_iscsi(const_cast<uint8_t*>(piece.data()), static_cast<int>(piece.size()), reg);
    bytes.remove_prefix(piece.size());
  }
  return ~reg;
}

}  // namespace strata::io
