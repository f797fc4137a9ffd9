#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "io/bytes.h"
#include "io/mutex.h"

struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

// Compression of a small block against bytes that writer and reader both have: an earlier version
// of the same block, or a dictionary trained on its like.
namespace strata::io {

// A dictionary digested once for any number of blocks. Safe to call from any thread. Memory: the
// content, about as much again, and some hundred KiB for each level that compresses with it.
class ZstdDictionary {
 public:
  // InvalidArgument: no dictionary (too short, or a damaged trained one).
  static absl::StatusOr<std::unique_ptr<const ZstdDictionary>> Create(std::vector<uint8_t> content);
  ~ZstdDictionary();

  ByteView content() const { return content_; }

  // Owned by the dictionary; nullptr when memory is short.
  const ZSTD_CDict_s* ForLevel(int level) const;
  const ZSTD_DDict_s* ForReading() const { return reading_; }

 private:
  explicit ZstdDictionary(std::vector<uint8_t> content) : content_(std::move(content)) {}

  const std::vector<uint8_t> content_;
  ZSTD_DDict_s* reading_ = nullptr;
  mutable io::Mutex mutex_;
  mutable std::map<int, ZSTD_CDict_s*> by_level_ ABSL_GUARDED_BY(mutex_);
};

// What both sides have: one of the two, or neither.
struct ZstdReference {
  ByteView prefix;
  const ZstdDictionary* dictionary = nullptr;
};

// Compresses `block` at `level` (1 to 19) into a zstd frame without its magic number, content size
// and dictionary id: who reads it knows all three. ResourceExhausted when memory is short.
absl::Status CompressAgainst(const ZstdReference& reference, ByteView block, int level,
                             std::vector<uint8_t>* out);

// Fills `out` exactly. DataLoss when the bytes are damaged, or do not decode to out.size() bytes
// with this reference. Other bytes than those compressed may come back against another reference:
// the caller has a checksum of them. Memory: that of one frame's tables, whatever the bytes say.
absl::Status DecompressAgainst(const ZstdReference& reference, ByteView compressed,
                               MutableBytes out);

// A dictionary of at most `bytes` for blocks like the samples, which lie one behind the other in
// `samples`. InvalidArgument: too few, or too much alike, to learn from. CPU time: about a second
// for 8 MiB of samples.
absl::StatusOr<std::vector<uint8_t>> TrainZstdDictionary(ByteView samples,
                                                         absl::Span<const size_t> sizes,
                                                         size_t bytes);

}  // namespace strata::io
