#include "io/object_key.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace strata::io {
namespace {

bool IsKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

absl::Status Refused(absl::string_view key, absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat("object key '", absl::CHexEscape(key.substr(0, 200)), "': ", reason));
}

absl::Status CheckComponents(absl::string_view key) {
  for (absl::string_view component : absl::StrSplit(key, '/')) {
    if (!IsKeyComponent(component)) {
      return Refused(key,
                     absl::StrCat("each part between slashes must be 1 to ", kMaxComponentLength,
                                  " of [A-Za-z0-9._-] and neither '.' nor '..'"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsKeyComponent(absl::string_view component) {
  if (component.empty() || component.size() > kMaxComponentLength) return false;
  if (component == "." || component == "..") return false;
  return std::all_of(component.begin(), component.end(), IsKeyCharacter);
}

absl::Status CheckKey(absl::string_view key) {
  if (key.size() > kMaxKeyLength) return Refused(key, absl::StrCat("longer than ", kMaxKeyLength));
  return CheckComponents(key);
}

absl::Status CheckKeyPrefix(absl::string_view prefix) {
  if (prefix.size() > kMaxKeyLength) {
    return Refused(prefix, absl::StrCat("longer than ", kMaxKeyLength));
  }
  const size_t slash = prefix.rfind('/');
  const absl::string_view last =
      slash == absl::string_view::npos ? prefix : prefix.substr(slash + 1);
  if (!std::all_of(last.begin(), last.end(), IsKeyCharacter)) {
    return Refused(prefix, "only [A-Za-z0-9._-] and '/' are allowed");
  }
  return slash == absl::string_view::npos ? absl::OkStatus()
                                          : CheckComponents(prefix.substr(0, slash));
}

}  // namespace strata::io
