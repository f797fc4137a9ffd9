#pragma once

#include <string>

#include "absl/status/status.h"

namespace strata::sqlite {

// The status for what a VFS method answered: NotFound for a missing file to be deleted,
// ResourceExhausted for a full disk and for what could not be opened, PermissionDenied for a
// read-only disk, Internal for the rest; the message has path, operation and code, for the log
// alone. Throws std::bad_alloc for a lack of memory.
absl::Status StatusOfVfs(int rc, const std::string& path, const char* operation);

// It is the answer of a VFS: SQLite's own text for the code says all that a caller is told.
bool IsOfVfs(const absl::Status& status);

}  // namespace strata::sqlite
