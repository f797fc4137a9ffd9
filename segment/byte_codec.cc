#include "segment/byte_codec.h"

namespace strata::segment {

void ByteWriter::Varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) Byte(static_cast<uint8_t>(value | 0x80));
  Byte(static_cast<uint8_t>(value));
}

void ByteWriter::Text(absl::string_view text) {
  Varint(text.size());
  out_.insert(out_.end(), text.begin(), text.end());
}

io::ByteView ByteReader::Raw(size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  const io::ByteView taken = rest_.first(size);
  rest_.remove_prefix(size);
  return taken;
}

uint8_t ByteReader::Byte() {
  const io::ByteView taken = Raw(1);
  return taken.empty() ? uint8_t{0} : taken[0];
}

uint32_t ByteReader::Fixed32() {
  const io::ByteView taken = Raw(sizeof(uint32_t));
  return taken.empty() ? 0 : io::LoadLittleEndian<uint32_t>(taken.data());
}

uint64_t ByteReader::Fixed64() {
  const io::ByteView taken = Raw(sizeof(uint64_t));
  return taken.empty() ? 0 : io::LoadLittleEndian<uint64_t>(taken.data());
}

uint64_t ByteReader::Varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    const uint64_t bits = byte & 0x7f;
    if (!ok_ || (shift == 63 && bits > 1) || (byte == 0 && shift > 0)) break;
    value |= bits << shift;
    if (byte < 0x80) return value;
  }
  ok_ = false;
  return 0;
}

int64_t ByteReader::Signed() {
  const uint64_t folded = Varint();
  return static_cast<int64_t>(folded >> 1 ^ (~(folded & 1) + 1));
}

std::string ByteReader::Text(size_t limit) {
  const uint64_t size = Varint();
  if (size > limit) ok_ = false;
  const io::ByteView taken = Raw(ok_ ? static_cast<size_t>(size) : 0);
  return std::string(taken.begin(), taken.end());
}

}  // namespace strata::segment
