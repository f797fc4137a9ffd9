#include "io/errno_status.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace strata::io {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
      return absl::StatusCode::kPermissionDenied;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case EISDIR:
    case ENOTEMPTY:
      return absl::StatusCode::kFailedPrecondition;
    case ENAMETOOLONG:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

constexpr char kLackUrl[] = "strata/lack";

Lack LackBehind(int error) {
  if (error == EMFILE || error == ENFILE) return Lack::kDescriptors;
  return error == ENOMEM ? Lack::kMemory : Lack::kSpace;
}

}  // namespace

absl::Status ErrnoStatus(int error, absl::string_view operation, absl::string_view path) {
  const std::string message =
      absl::StrCat(operation, " ", path, ": ", std::generic_category().message(error));
  const absl::StatusCode code = CodeOf(error);
  if (code == absl::StatusCode::kResourceExhausted) return LackError(LackBehind(error), message);
  return absl::Status(code, message);
}

absl::Status LackError(Lack what, absl::string_view message) {
  absl::Status status = absl::ResourceExhaustedError(message);
  if (what != Lack::kSpace)
    status.SetPayload(kLackUrl, absl::Cord(what == Lack::kMemory ? "memory" : "descriptors"));
  return status;
}

std::optional<Lack> LackOf(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return std::nullopt;
  const absl::optional<absl::Cord> payload = status.GetPayload(kLackUrl);
  // Who runs out of memory has none for a message.
  if (!payload.has_value()) return status.message().empty() ? Lack::kMemory : Lack::kSpace;
  return *payload == "memory" ? Lack::kMemory : Lack::kDescriptors;
}

}  // namespace strata::io
