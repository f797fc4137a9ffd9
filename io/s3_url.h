#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace strata::io {

struct S3Location {
  std::string bucket;
  std::string prefix;  // "" or "a/b": every key of the store is "a/b/key" in the bucket

  std::string url() const;  // "s3://bucket/a/b"
  std::string ObjectName(absl::string_view key) const;
};

// "s3://bucket" or "s3://bucket/prefix": a bucket of [a-z0-9.-], a prefix like a key of
// io/object_store.h. Endpoint, region and keys come from elsewhere (docs/settings.md).
// InvalidArgument never repeats a part of the URL.
absl::StatusOr<S3Location> ParseS3Url(absl::string_view url);

}  // namespace strata::io
