#include "io/store_url.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "io/clock.h"
#include "io/environment.h"
#include "io/local_object_store.h"
#include "io/open_s3_store.h"
#include "io/percent_encoding.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr absl::string_view kSupported =
    "supported are file:///absolute/directory and s3://bucket/prefix";

absl::Status Refused(absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("store URL: ", reason, "; ", kSupported));
}

bool IsSchemeCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.';
}

bool IsPlain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("/-._~", c);
}

absl::StatusOr<std::string> Scheme(absl::string_view url) {
  const size_t end = url.find("://");
  if (end == absl::string_view::npos || end == 0) return Refused("no scheme");
  const absl::string_view scheme = url.substr(0, end);
  if (scheme.size() > 16 || !std::all_of(scheme.begin(), scheme.end(), IsSchemeCharacter)) {
    return Refused("no scheme");
  }
  return absl::AsciiStrToLower(scheme);
}

absl::StatusOr<std::string> NormalizedDirectory(absl::string_view path) {
  std::string directory;
  for (absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == "." || part == "..") return Refused("'.' and '..' are not allowed in the path");
    if (absl::StrContains(part, '\0')) return Refused("a NUL byte in the path");
    absl::StrAppend(&directory, "/", part);
  }
  if (directory.empty()) return Refused("no directory");
  return directory;
}

absl::StatusOr<std::string> LocalDirectory(absl::string_view url) {
  absl::string_view rest = url.substr(url.find("://") + 3);
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return Refused("a query or fragment (write %3F for '?' and %23 for '#')");
  }
  absl::ConsumePrefix(&rest, "localhost");
  if (!absl::StartsWith(rest, "/")) return Refused("a file URL names no host and an absolute path");
  const absl::StatusOr<std::string> path = PercentDecoded(rest);
  if (!path.ok()) return Refused(path.status().message());
  return NormalizedDirectory(*path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenStore(FileSystem* file_system, Random* random,
                                                       absl::string_view url,
                                                       const Ownership& ownership) {
  STRATA_ASSIGN_OR_RETURN(const std::string scheme, Scheme(url));
  if (scheme == "s3") return OpenS3Store({&SystemClock(), random, &ProcessEnvironment()}, url);
  if (scheme != "file") return Refused(absl::StrCat("scheme '", scheme, "' is not supported"));
  STRATA_ASSIGN_OR_RETURN(std::string directory, LocalDirectory(url));
  return std::make_unique<LocalObjectStore>(file_system, random, std::move(directory), ownership);
}

std::string LocalStoreUrl(absl::string_view absolute_path) {
  std::string url = "file://";
  for (const char c : absolute_path) {
    if (IsPlain(c)) {
      url.push_back(c);
    } else {
      absl::StrAppend(&url, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return url;
}

}  // namespace strata::io
