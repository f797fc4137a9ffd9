#pragma once

#include <string>

#include "absl/status/status.h"
#include "io/bytes.h"
#include "io/file.h"

namespace strata::io {

// Durably puts a file with `bytes` in the place of `path`, whether there is one or not: a crash
// leaves the old file or the new one. "<path>.tmp" is written first. One caller at a time for a
// path. Errors: those of io/file.h.
absl::Status ReplaceFile(FileSystem& files, const std::string& path, ByteView bytes,
                         const Ownership& ownership);

}  // namespace strata::io
