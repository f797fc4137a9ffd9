#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "io/bytes.h"

// Columns of small integers, `width` bits each (0 to 32), the first in the lowest bits of the first
// byte.
namespace strata::segment {

// Bytes that may be read behind a packed column by UnpackAt.
constexpr size_t kUnpackSlack = 8;

inline uint8_t BitWidth(uint32_t highest) { return static_cast<uint8_t>(std::bit_width(highest)); }

constexpr size_t PackedBytes(size_t count, uint8_t width) { return (count * width + 7) / 8; }

inline void PackInto(absl::Span<const uint32_t> values, uint8_t width, std::vector<uint8_t>* out) {
  const size_t start = out->size();
  const size_t bytes = PackedBytes(values.size(), width);
  out->resize(start + bytes + kUnpackSlack);
  uint8_t* to = out->data() + start;
  uint64_t bits = 0;
  unsigned filled = 0;
  for (const uint32_t value : values) {
    bits |= uint64_t{value} << filled;
    filled += width;
    if (filled >= 32) {
      io::StoreLittleEndian<uint32_t>(to, static_cast<uint32_t>(bits));
      to += 4;
      bits >>= 32;
      filled -= 32;
    }
  }
  io::StoreLittleEndian<uint64_t>(to, bits);
  out->resize(start + bytes);
}

// Value `i`. kUnpackSlack bytes behind the column must be readable.
inline uint32_t UnpackAt(const uint8_t* column, uint8_t width, size_t i) {
  const size_t bit = i * width;
  const uint64_t bits = io::LoadLittleEndian<uint64_t>(column + bit / 8) >> (bit % 8);
  return static_cast<uint32_t>(bits & ((uint64_t{1} << width) - 1));
}

}  // namespace strata::segment
