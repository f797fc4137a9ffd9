#include "io/sigv4.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "io/percent_encoding.h"

namespace strata::io {
namespace {

constexpr absl::string_view kAlgorithm = "AWS4-HMAC-SHA256";

ByteView Bytes(absl::string_view text) {
  return ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// Lower-case names in order; values without spaces around them and with single ones inside.
std::map<std::string, std::string> CanonicalHeaders(const std::vector<HttpHeader>& headers) {
  std::map<std::string, std::string> canonical;
  for (const HttpHeader& header : headers) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(absl::StripAsciiWhitespace(header.value), ' ', absl::SkipEmpty());
    const auto [place, is_new] =
        canonical.emplace(absl::AsciiStrToLower(header.name), absl::StrJoin(words, " "));
    if (!is_new) absl::StrAppend(&place->second, ",", absl::StrJoin(words, " "));
  }
  return canonical;
}

std::string NamesOf(const std::map<std::string, std::string>& headers) {
  return absl::StrJoin(headers, ";",
                       [](std::string* out, const auto& header) { out->append(header.first); });
}

std::string CanonicalRequest(const RequestToSign& request,
                             const std::map<std::string, std::string>& headers) {
  std::string text = absl::StrCat(request.method, "\n", PercentEncodedPath(request.path), "\n",
                                  CanonicalQuery(request.query), "\n");
  for (const auto& [name, value] : headers) absl::StrAppend(&text, name, ":", value, "\n");
  absl::StrAppend(&text, "\n", NamesOf(headers), "\n", request.payload_hash);
  return text;
}

Sha256Digest SigningKey(const CryptoLibrary& crypto, absl::string_view secret,
                        absl::string_view day, const SigningScope& scope) {
  Sha256Digest key = crypto.Hmac(Bytes(absl::StrCat("AWS4", secret)), Bytes(day));
  key = crypto.Hmac(key, Bytes(scope.region));
  key = crypto.Hmac(key, Bytes(scope.service));
  return crypto.Hmac(key, Bytes("aws4_request"));
}

}  // namespace

std::string AmazonDate(int64_t time_us) {
  return absl::FormatTime("%Y%m%dT%H%M%SZ", absl::FromUnixMicros(time_us), absl::UTCTimeZone());
}

std::string CanonicalQuery(const QueryParameters& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(PercentEncoded(name), PercentEncoded(value));
  }
  std::sort(encoded.begin(), encoded.end());
  return absl::StrJoin(encoded, "&", absl::PairFormatter("="));
}

std::string AuthorizationHeader(const CryptoLibrary& crypto, const RequestToSign& request,
                                const AwsCredentials& credentials, const SigningScope& scope) {
  const std::map<std::string, std::string> headers = CanonicalHeaders(request.headers);
  const std::string date = AmazonDate(scope.time_us);
  const std::string day = date.substr(0, 8);
  const std::string scope_name =
      absl::StrCat(day, "/", scope.region, "/", scope.service, "/aws4_request");
  const std::string hash = HexOf(crypto.Sha256(Bytes(CanonicalRequest(request, headers))));
  const std::string to_sign = absl::StrCat(kAlgorithm, "\n", date, "\n", scope_name, "\n", hash);
  const Sha256Digest key = SigningKey(crypto, credentials.secret_access_key, day, scope);
  return absl::StrCat(kAlgorithm, " Credential=", credentials.access_key_id, "/", scope_name,
                      ",SignedHeaders=", NamesOf(headers),
                      ",Signature=", HexOf(crypto.Hmac(key, Bytes(to_sign))));
}

}  // namespace strata::io
