#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/bytes.h"
#include "io/reference_compression.h"

// A dictionary that pages are compressed with, and its object in a store. Format:
// docs/segment_format.md, "Dictionary"; tested in tests/segment/dictionary_test.cc.
namespace strata::segment {

enum class DictionaryKind : uint8_t {
  kFrames = 1,  // trained on versions of pages as a log writes them: for sealed segments
  kPages = 2,   // trained on the pages of a database: for compacted segments
};

// What a segment says of a dictionary that it uses.
struct DictionaryRef {
  uint32_t id = 0;    // 0: none
  uint64_t hash = 0;  // XXH3-64 of the content; the id follows from it
  friend bool operator==(const DictionaryRef&, const DictionaryRef&) = default;
};

constexpr size_t kDictionaryHeaderSize = 64;
constexpr size_t kMaxDictionaryBytes = 1 << 20;  // of the content

// Immutable; safe to use from any thread.
class Dictionary {
 public:
  // InvalidArgument: zstd cannot use the content, or it is longer than kMaxDictionaryBytes.
  // `sample_ratio`: what it made of pages that it was not trained on, in 1/1000 of their size.
  static absl::StatusOr<std::shared_ptr<const Dictionary>> Create(DictionaryKind kind,
                                                                  std::vector<uint8_t> content,
                                                                  int64_t created_us,
                                                                  uint32_t sample_ratio);

  DictionaryRef ref() const { return ref_; }
  uint32_t id() const { return ref_.id; }
  DictionaryKind kind() const { return kind_; }
  int64_t created_us() const { return created_us_; }
  uint32_t sample_ratio() const { return sample_ratio_; }
  const io::ZstdDictionary& zstd() const { return *zstd_; }

 private:
  Dictionary() = default;

  DictionaryRef ref_;
  DictionaryKind kind_ = DictionaryKind::kFrames;
  int64_t created_us_ = 0;
  uint32_t sample_ratio_ = 0;
  std::unique_ptr<const io::ZstdDictionary> zstd_;
};

// The id and hash of a content.
DictionaryRef RefOf(io::ByteView content);

std::vector<uint8_t> EncodeDictionary(const Dictionary& dictionary);

// DataLoss: wrong length, magic, checksum, or an id that does not follow from the content.
// Unimplemented: a later version. `object` is for the message.
absl::StatusOr<std::shared_ptr<const Dictionary>> DecodeDictionary(absl::string_view object,
                                                                   io::ByteView bytes);

// Where a reader gets the dictionaries that its segment names. Safe to call from any thread.
class DictionarySource {
 public:
  virtual ~DictionarySource() = default;

  // DataLoss: missing, damaged, or another one than `ref` says; the message names it.
  virtual absl::StatusOr<std::shared_ptr<const Dictionary>> Get(const DictionaryRef& ref) = 0;
};

// DataLoss unless `dictionary` is the one meant.
absl::Status CheckIsMeant(absl::string_view object, const DictionaryRef& ref,
                          const Dictionary& dictionary);

}  // namespace strata::segment
