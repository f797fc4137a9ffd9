#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/file.h"
#include "io/object_store.h"
#include "io/random.h"

namespace strata::io {

// Opens the store that `url` names: "file:///absolute/directory", with %xx for bytes that a URL
// cannot carry, or "s3://bucket/prefix" (io/open_s3_store.h; settings and keys from the process's
// environment as it is now, `file_system` and `ownership` do not matter). Touches no object yet.
// InvalidArgument for anything else, in words that never repeat a part of the URL that may hold a
// password. `file_system` and `random` must outlive the store.
absl::StatusOr<std::unique_ptr<ObjectStore>> OpenStore(FileSystem* file_system, Random* random,
                                                       absl::string_view url,
                                                       const Ownership& ownership = {});

// The URL of a directory given as an absolute path, percent-encoded.
std::string LocalStoreUrl(absl::string_view absolute_path);

}  // namespace strata::io
