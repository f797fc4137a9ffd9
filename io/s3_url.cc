#include "io/s3_url.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/object_key.h"

namespace strata::io {
namespace {

constexpr size_t kLongestPrefix = 512;  // leaves room for the store's own keys below S3's limit

bool IsLowerOrDigit(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

bool IsBucket(absl::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && IsLowerOrDigit(name.front()) &&
         IsLowerOrDigit(name.back()) && std::all_of(name.begin(), name.end(), [](char c) {
           return IsLowerOrDigit(c) || c == '-' || c == '.';
         });
}

}  // namespace

std::string S3Location::url() const {
  return absl::StrCat("s3://", bucket, prefix.empty() ? "" : "/", prefix);
}

std::string S3Location::ObjectName(absl::string_view key) const {
  return prefix.empty() ? std::string(key) : absl::StrCat(prefix, "/", key);
}

absl::StatusOr<S3Location> ParseS3Url(absl::string_view url) {
  const absl::string_view rest = url.substr(std::min(url.find("://") + 3, url.size()));
  const size_t slash = std::min(rest.find('/'), rest.size());
  S3Location location;
  location.bucket = std::string(rest.substr(0, slash));
  absl::string_view prefix = rest.substr(slash);
  absl::ConsumePrefix(&prefix, "/");
  absl::ConsumeSuffix(&prefix, "/");
  location.prefix = std::string(prefix);
  if (!IsBucket(location.bucket)) {
    return absl::InvalidArgumentError(
        "store URL: no bucket name of 3 to 63 characters [a-z0-9.-]; supported is "
        "s3://bucket/prefix");
  }
  if (!prefix.empty() && (!CheckKey(prefix).ok() || prefix.size() > kLongestPrefix)) {
    return absl::InvalidArgumentError(
        "store URL: a prefix of other parts than [A-Za-z0-9._-], or too long; supported is "
        "s3://bucket/prefix");
  }
  return location;
}

}  // namespace strata::io
