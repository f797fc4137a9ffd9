#pragma once

#include "io/file.h"

namespace strata::io {

// The machine's files. Descriptors are close-on-exec; lives as long as the process.
FileSystem& PosixFileSystem();

}  // namespace strata::io
