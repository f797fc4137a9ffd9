#include "segment/dense_record.h"

#include "io/checksum.h"

// Format: docs/segment_format.md, "Dense records".
namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr size_t kChecksumAt = 0;
constexpr size_t kPageChecksumAt = 4;

// What the checksum covers besides the payload.
constexpr size_t kCoveredBytes = 28;

uint32_t Checksum(const FrameHeader& header, io::ByteView payload, uint32_t seed) {
  uint8_t covered[kCoveredBytes] = {};
  StoreLittleEndian<uint64_t>(covered, header.frame.value());
  StoreLittleEndian<uint32_t>(covered + 8, header.page.value());
  StoreLittleEndian<uint32_t>(covered + 12, header.stored_length);
  covered[16] = static_cast<uint8_t>(header.codec);
  covered[17] = header.is_commit ? 1 : 0;
  StoreLittleEndian<uint32_t>(covered + 20, header.dictionary_id);
  StoreLittleEndian<uint32_t>(covered + 24, header.page_checksum);
  return io::Crc32c(io::Crc32c(seed, covered), payload);
}

}  // namespace

void EncodeDenseHeader(const FrameHeader& header, io::ByteView payload, uint32_t seed,
                       uint8_t* to) {
  StoreLittleEndian<uint32_t>(to + kChecksumAt, Checksum(header, payload, seed));
  StoreLittleEndian<uint32_t>(to + kPageChecksumAt, header.page_checksum);
}

bool DecodeDenseHeader(const uint8_t* from, io::ByteView payload, uint32_t seed,
                       FrameHeader* header) {
  header->checksum = LoadLittleEndian<uint32_t>(from + kChecksumAt);
  header->page_checksum = LoadLittleEndian<uint32_t>(from + kPageChecksumAt);
  return header->checksum == Checksum(*header, payload, seed);
}

}  // namespace strata::segment
