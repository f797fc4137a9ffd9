#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/types/span.h"

namespace strata::io {

using ByteView = absl::Span<const uint8_t>;
using MutableBytes = absl::Span<uint8_t>;

// Fixed-width little-endian integers at an unaligned address. All of Strata's formats use these.
template <typename T>
T LoadLittleEndian(const uint8_t* from) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;  // supported machines are little-endian; asserted below
}

template <typename T>
void StoreLittleEndian(uint8_t* to, T value) {
  static_assert(std::is_unsigned_v<T>);
  std::memcpy(to, &value, sizeof value);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "Strata runs on little-endian machines only");

}  // namespace strata::io
