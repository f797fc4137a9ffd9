#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace strata::io {

enum class ReadableBy { kAnyone, kNotOthers };

// The whole of a small file (at most 1 MiB), symbolic links followed. NotFound, PermissionDenied
// (also when others than owner and group may read or write it and `readable_by` forbids that),
// InvalidArgument when it is too long or no regular file.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, ReadableBy readable_by);

}  // namespace strata::io
