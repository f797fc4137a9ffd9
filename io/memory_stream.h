#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/byte_stream.h"

namespace strata::io {

// Collects bytes in memory.
class MemorySink : public ByteSink {
 public:
  absl::Status Append(ByteView bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return absl::OkStatus();
  }

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  std::vector<uint8_t> Release() { return std::exchange(bytes_, {}); }

 private:
  std::vector<uint8_t> bytes_;
};

// Owns the bytes it serves.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::vector<uint8_t> bytes, std::string name = "memory")
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  uint64_t size() const override { return bytes_.size(); }
  const std::string& name() const override { return name_; }

  absl::Status ReadAt(uint64_t offset, MutableBytes out) override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return absl::OutOfRangeError(absl::StrCat(name_, ": read of ", out.size(), " bytes at ",
                                                offset, " beyond the size of ", bytes_.size()));
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return absl::OkStatus();
  }

 private:
  const std::vector<uint8_t> bytes_;
  const std::string name_;
};

}  // namespace strata::io
