#include "io/crypto_library.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/strings/escaping.h"
#include "io/shared_library.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

class OpenSsl : public CryptoLibrary {
 public:
  static absl::StatusOr<OpenSsl*> New() {
    STRATA_ASSIGN_OR_RETURN(const SharedLibrary library,
                            SharedLibrary::Load("libcrypto.so.3", "libssl3"));
    auto open_ssl = std::unique_ptr<OpenSsl>(new OpenSsl);
    STRATA_RETURN_IF_ERROR(library.Find("EVP_sha256", &open_ssl->sha256_));
    STRATA_RETURN_IF_ERROR(library.Find("EVP_Digest", &open_ssl->digest_));
    STRATA_RETURN_IF_ERROR(library.Find("HMAC", &open_ssl->hmac_));
    return open_ssl.release();
  }

  // Neither can fail but for want of memory; a zero digest then is a signature that is refused.
  Sha256Digest Sha256(ByteView bytes) const override {
    Sha256Digest out = {};
    digest_(bytes.data(), bytes.size(), out.data(), nullptr, sha256_(), nullptr);
    return out;
  }

  Sha256Digest Hmac(ByteView key, ByteView bytes) const override {
    Sha256Digest out = {};
    hmac_(sha256_(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(),
          out.data(), nullptr);
    return out;
  }

 private:
  decltype(&::EVP_sha256) sha256_ = nullptr;
  decltype(&::EVP_Digest) digest_ = nullptr;
  decltype(&::HMAC) hmac_ = nullptr;
};

}  // namespace

absl::StatusOr<const CryptoLibrary*> CryptoLibrary::Load() {
  static const auto* const loaded = new absl::StatusOr<OpenSsl*>(OpenSsl::New());
  if (!loaded->ok()) return loaded->status();
  return **loaded;
}

std::string HexOf(const Sha256Digest& digest) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace strata::io
