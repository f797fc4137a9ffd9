#include "segment/ids.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace strata::segment {
namespace {

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string ToString(const LogId& id) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
}

absl::StatusOr<LogId> ParseLogId(const std::string& text) {
  LogId id;
  if (text.size() != 2 * id.bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("log id: expected 32 hexadecimal digits, found ", text.size(), " characters"));
  }
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = HexValue(text[2 * i]);
    const int low = HexValue(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "log id: expected lower-case hexadecimal digits, found another character in byte ", i));
    }
    id.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return id;
}

}  // namespace strata::segment
