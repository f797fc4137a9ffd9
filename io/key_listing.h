#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "io/file.h"
#include "io/object_store.h"

namespace strata::io {

// Objects below `root` with keys that start with `prefix` and are greater than `after`, in key
// order, at most `limit`. Holds the names of one directory for each level, and looks only at
// entries that may be in the answer. Names that are no key component, links and devices are passed
// over.
absl::StatusOr<std::vector<ObjectInfo>> ListKeys(FileSystem* file_system, const std::string& root,
                                                 const std::string& prefix,
                                                 const std::string& after, size_t limit);

}  // namespace strata::io
