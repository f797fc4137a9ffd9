#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace strata::io {

// The status for a failed system call, by the table of codes in io/file.h; the message is
// "<operation> <path>: <text of errno>".
absl::Status ErrnoStatus(int error, absl::string_view operation, absl::string_view path);

}  // namespace strata::io
