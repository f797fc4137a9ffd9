#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// The rule for keys of io/object_store.h, the same for every kind of store.
namespace strata::io {

constexpr size_t kMaxKeyLength = 1024;       // bytes, the limit of S3
constexpr size_t kMaxComponentLength = 240;  // bytes, below every local file system's limit

// One part of a key between slashes: of [A-Za-z0-9._-], not empty, not "." or "..".
bool IsKeyComponent(absl::string_view component);

// InvalidArgument unless `key` is one or more components joined by '/'.
absl::Status CheckKey(absl::string_view key);

// Prefixes and "after" markers of listings: a key, cut anywhere, or nothing.
absl::Status CheckKeyPrefix(absl::string_view prefix);

}  // namespace strata::io
