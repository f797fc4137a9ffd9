#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Percent-encoding of RFC 3986, section 2.1, as Amazon's Signature Version 4 wants it: only
// [A-Za-z0-9-._~] stay, hexadecimal digits are upper case.
namespace strata::io {

// Of one path component, or one name or value of a query.
std::string PercentEncoded(absl::string_view text);

// Of a path: slashes stay too.
std::string PercentEncodedPath(absl::string_view path);

// InvalidArgument on a '%' without two hexadecimal digits.
absl::StatusOr<std::string> PercentDecoded(absl::string_view text);

}  // namespace strata::io
