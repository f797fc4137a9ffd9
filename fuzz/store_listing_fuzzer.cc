#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "io/checksum.h"
#include "segment/store_layout.h"

// Names and claims as a hostile store may answer them. What is accepted must read back as itself;
// claims get a second try with their checksum put right, so that the checks behind it are reached.
namespace {

using strata::segment::DecodeEpochClaim;
using strata::segment::EncodeEpochClaim;
using strata::segment::kEpochClaimSize;

void Require(bool holds) {
  if (!holds) std::abort();
}

void TryNames(absl::string_view text) {
  if (strata::segment::CheckNamespaceName(text).ok()) Require(!text.empty() && text.size() <= 128);
  const size_t slash = text.find('/');
  const absl::string_view ns = text.substr(0, slash);
  auto segment = strata::segment::ParseSegmentKey(ns, text);
  if (segment.ok()) Require(strata::segment::BuildSegmentKey(ns, *segment) == text);
  auto epoch = strata::segment::ParseEpochKey(ns, text);
  if (epoch.ok()) Require(strata::segment::BuildEpochKey(ns, *epoch) == text);
}

void TryClaim(strata::io::ByteView bytes) {
  auto claim = DecodeEpochClaim("fuzzed", bytes);
  if (claim.ok())
    Require(EncodeEpochClaim(*claim) == std::vector<uint8_t>(bytes.begin(), bytes.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  TryNames(absl::string_view(reinterpret_cast<const char*>(data), size));
  TryClaim(strata::io::ByteView(data, size));
  if (size < kEpochClaimSize - 4) return 0;
  std::vector<uint8_t> bytes(data, data + kEpochClaimSize - 4);
  const uint32_t checksum = strata::io::Crc32c(0, bytes);
  bytes.resize(kEpochClaimSize);
  strata::io::StoreLittleEndian<uint32_t>(bytes.data() + kEpochClaimSize - 4, checksum);
  TryClaim(bytes);
  return 0;
}
