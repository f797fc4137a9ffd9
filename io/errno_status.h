#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace strata::io {

// The status for a failed system call, by the table of codes in io/file.h; the message is
// "<operation> <path>: <text of errno>".
absl::Status ErrnoStatus(int error, absl::string_view operation, absl::string_view path);

// What a ResourceExhausted is a lack of; it travels with the status as a payload.
enum class Lack { kSpace, kDescriptors, kMemory };

// ResourceExhausted with `message` for a lack of `what`.
absl::Status LackError(Lack what, absl::string_view message);

// Of any ResourceExhausted: space when nothing else is said, memory when nothing at all is said;
// nullopt of other statuses.
std::optional<Lack> LackOf(const absl::Status& status);

}  // namespace strata::io
