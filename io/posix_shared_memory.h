#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "io/shared_memory.h"
#include "io/unique_fd.h"

namespace strata::io {

// Maps `bytes` of the regular file `fd`, opened for reading and writing, whatever its length.
absl::StatusOr<std::unique_ptr<SharedMemory>> MapSharedFile(UniqueFd fd, const std::string& path,
                                                            uint64_t bytes);

}  // namespace strata::io
