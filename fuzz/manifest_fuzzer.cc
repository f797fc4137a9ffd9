#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "io/checksum.h"
#include "segment/manifest_codec.h"

// Manifests as a hostile store may answer them. What is accepted must be something that can be
// written and read again; a second try has length and checksum put right, so that the checks behind
// them are reached.
namespace {

using strata::segment::DecodeManifest;
using strata::segment::EncodeManifest;

constexpr size_t kLengthAt = 48;

void Try(strata::io::ByteView bytes) {
  const auto manifest = DecodeManifest("fuzzed", bytes);
  if (!manifest.ok()) return;
  const auto again = DecodeManifest("again", EncodeManifest(*manifest));
  if (!again.ok() || !(*again == *manifest)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Try(strata::io::ByteView(data, size));
  if (size < strata::segment::kManifestHeaderSize) return 0;
  std::vector<uint8_t> bytes(data, data + size);
  strata::io::StoreLittleEndian<uint64_t>(bytes.data() + kLengthAt, size + 4);
  const uint32_t checksum = strata::io::Crc32c(0, bytes);
  bytes.resize(size + 4);
  strata::io::StoreLittleEndian<uint32_t>(bytes.data() + size, checksum);
  Try(bytes);
  return 0;
}
