#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/bytes.h"

namespace strata::io {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 and HMAC-SHA-256 of OpenSSL; libcrypto.so.3 is loaded by the first call of Load. Safe to
// call from any thread.
class CryptoLibrary {
 public:
  virtual ~CryptoLibrary() = default;
  virtual Sha256Digest Sha256(ByteView bytes) const = 0;
  virtual Sha256Digest Hmac(ByteView key, ByteView bytes) const = 0;

  static absl::StatusOr<const CryptoLibrary*> Load();
};

std::string HexOf(const Sha256Digest& digest);  // lower case

}  // namespace strata::io
