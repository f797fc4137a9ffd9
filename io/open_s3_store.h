#pragma once

#include <memory>

#include "io/clock.h"
#include "io/environment.h"
#include "io/object_store.h"
#include "io/random.h"

namespace strata::io {

// What a store on S3 takes from outside; all must outlive it.
struct S3World {
  Clock* clock = nullptr;
  Random* random = nullptr;
  const Environment* environment = nullptr;
};

// Opens the store that an "s3://" URL names, by the settings and keys that `environment` points at
// (docs/settings.md); touches no network yet. NotFound without libcurl or OpenSSL; InvalidArgument
// for bad settings.
absl::StatusOr<std::unique_ptr<ObjectStore>> OpenS3Store(const S3World& world,
                                                         absl::string_view url);

}  // namespace strata::io
