#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "io/bytes.h"

// Numbers and texts one after the other, for formats whose fields have no fixed place.
namespace strata::segment {

// Appends to a vector. Varints: seven bits a byte, lowest first, the top bit set on all but the
// last; signed numbers are folded so that small ones of either sign stay short.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<uint8_t>* out) : out_(*out) {}

  void Byte(uint8_t value) { out_.push_back(value); }
  void Fixed32(uint32_t value) { Fixed(value); }
  void Fixed64(uint64_t value) { Fixed(value); }
  void Varint(uint64_t value);
  void Signed(int64_t value) {
    Varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
  }
  void Raw(io::ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void Text(absl::string_view text);

 private:
  template <typename T>
  void Fixed(T value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof value);
    io::StoreLittleEndian<T>(out_.data() + at, value);
  }

  std::vector<uint8_t>& out_;
};

// Reads what ByteWriter wrote. After the first thing that is not there, or not spelled the one way
// it can be, ok() is false and every further answer is 0 or empty.
class ByteReader {
 public:
  explicit ByteReader(io::ByteView bytes) : rest_(bytes) {}

  uint8_t Byte();
  uint32_t Fixed32();
  uint64_t Fixed64();
  uint64_t Varint();
  int64_t Signed();
  io::ByteView Raw(size_t size);
  std::string Text(size_t limit);

  bool ok() const { return ok_; }
  size_t left() const { return rest_.size(); }
  void Fail() { ok_ = false; }

 private:
  io::ByteView rest_;
  bool ok_ = true;
};

}  // namespace strata::segment
