#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/bytes.h"
#include "segment/manifest.h"

// The bytes of a manifest object: docs/store_layout.md, "Manifests". Pinned by
// tests/golden/*.manifest, fuzzed by fuzz/manifest_fuzzer.cc.
namespace strata::segment {

constexpr size_t kManifestHeaderSize = 96;          // bytes
constexpr uint64_t kMaxManifestSize = 32ull << 20;  // bytes; a million segments take some 20 MB
constexpr size_t kMaxPinName = 128;                 // bytes
constexpr size_t kMaxPolicyText = 4096;             // bytes

std::vector<uint8_t> EncodeManifest(const Manifest& manifest);

// DataLoss: wrong length, magic, checksum. Unimplemented: a later version. InvalidArgument: intact
// but impossible (keys, order, numbers). `object` is for the message. Memory: at most some ten
// times the bytes.
absl::StatusOr<Manifest> DecodeManifest(absl::string_view object, io::ByteView bytes);

}  // namespace strata::segment
