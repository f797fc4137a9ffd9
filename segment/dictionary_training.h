#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/dictionary.h"

namespace strata::segment {

// Pages to train a dictionary on: a bounded number of those that were offered, evenly spread over
// all of them. One thread at a time.
class TrainingSamples {
 public:
  static constexpr size_t kMaxBytes = 8 << 20;

  explicit TrainingSamples(uint32_t page_size, size_t max_bytes = kMaxBytes)
      : page_size_(page_size), max_pages_(max_bytes / page_size) {}

  void Offer(io::ByteView page);
  void Clear();
  uint64_t offered() const { return offered_; }
  size_t pages() const { return bytes_.size() / page_size_; }
  io::ByteView page(size_t i) const {
    return io::ByteView(bytes_).subspan(i * page_size_, page_size_);
  }
  uint32_t page_size() const { return page_size_; }

 private:
  void ThinOut();

  const uint32_t page_size_;
  const size_t max_pages_;
  uint64_t offered_ = 0;
  uint64_t stride_ = 1;  // one of so many is kept
  std::vector<uint8_t> bytes_;
};

constexpr size_t kDictionaryBytes = 112 << 10;

// What zstd makes of the samples' share [begin, end), in 1/1000 of their size; with a dictionary,
// or without (null).
absl::StatusOr<uint32_t> MeasureRatio(const TrainingSamples& samples, size_t begin, size_t end,
                                      const Dictionary* dictionary, int zstd_level);

// A dictionary trained on nine tenths of the samples, and measured on the others. Null when it does
// not make them at least a twentieth smaller than zstd alone does. About a second of CPU time.
absl::StatusOr<std::shared_ptr<const Dictionary>> TrainDictionary(const TrainingSamples& samples,
                                                                  DictionaryKind kind,
                                                                  int zstd_level,
                                                                  int64_t created_us);

}  // namespace strata::segment
