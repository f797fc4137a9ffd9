#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fuzz/check.h"
#include "io/checksum.h"
#include "segment/dictionary.h"
#include "segment/frame_codec.h"

// Dictionaries and payloads from any bytes: half of the input is a dictionary's object with its
// checksum, hash and id made right, the other half a payload that is decoded with it, and as a
// delta against its bytes. No crash, no output beyond a page, no memory beyond the input's.
namespace strata::segment {
namespace {

constexpr size_t kPageBytes = 4096;

std::vector<uint8_t> MakeObject(io::ByteView content) {
  std::vector<uint8_t> bytes(kDictionaryHeaderSize + content.size(), 0);
  std::memcpy(bytes.data(), "STRADIC1", 8);
  bytes[8] = 1;
  bytes[12] = 2;
  const DictionaryRef ref = RefOf(content);
  io::StoreLittleEndian<uint32_t>(bytes.data() + 16, ref.id);
  io::StoreLittleEndian<uint32_t>(bytes.data() + 20, static_cast<uint32_t>(content.size()));
  io::StoreLittleEndian<uint64_t>(bytes.data() + 24, ref.hash);
  std::copy(content.begin(), content.end(), bytes.begin() + kDictionaryHeaderSize);
  const uint32_t crc = io::Crc32c(0, io::ByteView(bytes).first(60));
  io::StoreLittleEndian<uint32_t>(
      bytes.data() + 60, io::Crc32c(crc, io::ByteView(bytes).subspan(kDictionaryHeaderSize)));
  return bytes;
}

void Decode(io::ByteView content, io::ByteView payload) {
  std::vector<uint8_t> page(kPageBytes);
  (void)DecodeDictionary("any", content);
  const auto dictionary = DecodeDictionary("made right", MakeObject(content));
  if (dictionary.ok()) {
    (void)DecodePage(Codec::kZstdDictionary, {{}, dictionary->get()}, payload,
                     absl::MakeSpan(page));
    // What it encodes it decodes again.
    std::vector<uint8_t> encoded;
    std::copy_n(payload.begin(), std::min(payload.size(), page.size()), page.begin());
    const auto codec = EncodePage(page, {Codec::kZstdDictionary, 3, *dictionary}, &encoded);
    FUZZ_CHECK(codec.ok());
    if (*codec == Codec::kRaw) return;
    std::vector<uint8_t> again(kPageBytes);
    FUZZ_CHECK(DecodePage(*codec, {{}, dictionary->get()}, encoded, absl::MakeSpan(again)).ok());
    FUZZ_CHECK(again == page);
  }
  std::vector<uint8_t> previous(kPageBytes);
  std::copy_n(content.begin(), std::min(content.size(), previous.size()), previous.begin());
  (void)DecodePage(Codec::kDelta, {previous, nullptr}, payload, absl::MakeSpan(page));
}

}  // namespace
}  // namespace strata::segment

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const strata::io::ByteView bytes(data, size);
  strata::segment::Decode(bytes.first(size / 2), bytes.subspan(size / 2));
  return 0;
}
