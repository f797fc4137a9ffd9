#include "segment/dictionary.h"

#include <xxhash.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "io/checksum.h"
#include "io/status_macros.h"

// Format: docs/segment_format.md, "Dictionary".
namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr uint64_t kMagic = 0x3143494441525453;  // "STRADIC1", little-endian
constexpr uint32_t kVersion = 1;

constexpr size_t kVersionAt = 8;
constexpr size_t kKindAt = 12;
constexpr size_t kIdAt = 16;
constexpr size_t kLengthAt = 20;
constexpr size_t kHashAt = 24;
constexpr size_t kCreatedAt = 32;
constexpr size_t kSampleRatioAt = 40;
constexpr size_t kChecksumAt = kDictionaryHeaderSize - 4;

uint32_t ObjectChecksum(io::ByteView bytes) {
  return io::Crc32c(io::Crc32c(0, bytes.first(kChecksumAt)), bytes.subspan(kDictionaryHeaderSize));
}

absl::Status Damaged(absl::string_view object, absl::string_view what, uint64_t expected,
                     uint64_t found) {
  return absl::DataLossError(
      absl::StrFormat("%s: dictionary %s: expected %x, found %x", object, what, expected, found));
}

absl::Status CheckIntact(absl::string_view object, io::ByteView bytes) {
  if (bytes.size() < kDictionaryHeaderSize) {
    return Damaged(object, "of bytes at least", kDictionaryHeaderSize, bytes.size());
  }
  const uint8_t* from = bytes.data();
  const uint64_t magic = LoadLittleEndian<uint64_t>(from);
  if (magic != kMagic) return Damaged(object, "magic", kMagic, magic);
  const uint64_t length = LoadLittleEndian<uint32_t>(from + kLengthAt);
  if (length != bytes.size() - kDictionaryHeaderSize || length > kMaxDictionaryBytes) {
    return Damaged(object, "length", length, bytes.size() - kDictionaryHeaderSize);
  }
  const uint32_t stored = LoadLittleEndian<uint32_t>(from + kChecksumAt);
  const uint32_t computed = ObjectChecksum(bytes);
  if (stored != computed) return Damaged(object, "checksum", stored, computed);
  const uint32_t version = LoadLittleEndian<uint32_t>(from + kVersionAt);
  if (version == kVersion) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrFormat("%s: a dictionary of a later release (version %d)", object, version));
}

}  // namespace

DictionaryRef RefOf(io::ByteView content) {
  const uint64_t hash = XXH3_64bits(content.data(), content.size());
  const uint32_t id = static_cast<uint32_t>(hash);
  return {id == 0 ? 1 : id, hash};
}

absl::StatusOr<std::shared_ptr<const Dictionary>> Dictionary::Create(DictionaryKind kind,
                                                                     std::vector<uint8_t> content,
                                                                     int64_t created_us,
                                                                     uint32_t sample_ratio) {
  if (content.size() > kMaxDictionaryBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("dictionary: expected at most %d bytes, "
                        "found %d",
                        kMaxDictionaryBytes, content.size()));
  }
  std::shared_ptr<Dictionary> dictionary(new Dictionary());
  dictionary->ref_ = RefOf(content);
  dictionary->kind_ = kind;
  dictionary->created_us_ = created_us;
  dictionary->sample_ratio_ = sample_ratio;
  STRATA_ASSIGN_OR_RETURN(dictionary->zstd_, io::ZstdDictionary::Create(std::move(content)));
  return dictionary;
}

std::vector<uint8_t> EncodeDictionary(const Dictionary& dictionary) {
  const io::ByteView content = dictionary.zstd().content();
  std::vector<uint8_t> bytes(kDictionaryHeaderSize + content.size(), 0);
  uint8_t* to = bytes.data();
  StoreLittleEndian<uint64_t>(to, kMagic);
  StoreLittleEndian<uint32_t>(to + kVersionAt, kVersion);
  to[kKindAt] = static_cast<uint8_t>(dictionary.kind());
  StoreLittleEndian<uint32_t>(to + kIdAt, dictionary.id());
  StoreLittleEndian<uint32_t>(to + kLengthAt, static_cast<uint32_t>(content.size()));
  StoreLittleEndian<uint64_t>(to + kHashAt, dictionary.ref().hash);
  StoreLittleEndian<uint64_t>(to + kCreatedAt, static_cast<uint64_t>(dictionary.created_us()));
  StoreLittleEndian<uint32_t>(to + kSampleRatioAt, dictionary.sample_ratio());
  std::memcpy(to + kDictionaryHeaderSize, content.data(), content.size());
  StoreLittleEndian<uint32_t>(to + kChecksumAt, ObjectChecksum(bytes));
  return bytes;
}

absl::StatusOr<std::shared_ptr<const Dictionary>> DecodeDictionary(absl::string_view object,
                                                                   io::ByteView bytes) {
  STRATA_RETURN_IF_ERROR(CheckIntact(object, bytes));
  const uint8_t* from = bytes.data();
  const uint8_t kind = from[kKindAt];
  if (kind < 1 || kind > 2) return Damaged(object, "kind up to", 2, kind);
  const io::ByteView content = bytes.subspan(kDictionaryHeaderSize);
  absl::StatusOr<std::shared_ptr<const Dictionary>> dictionary =
      Dictionary::Create(static_cast<DictionaryKind>(kind), {content.begin(), content.end()},
                         static_cast<int64_t>(LoadLittleEndian<uint64_t>(from + kCreatedAt)),
                         LoadLittleEndian<uint32_t>(from + kSampleRatioAt));
  if (!dictionary.ok()) {
    return absl::DataLossError(absl::StrFormat("%s: %s", object, dictionary.status().message()));
  }
  const DictionaryRef stored = {LoadLittleEndian<uint32_t>(from + kIdAt),
                                LoadLittleEndian<uint64_t>(from + kHashAt)};
  STRATA_RETURN_IF_ERROR(CheckIsMeant(object, stored, **dictionary));
  return dictionary;
}

absl::Status CheckIsMeant(absl::string_view object, const DictionaryRef& ref,
                          const Dictionary& dictionary) {
  if (dictionary.ref() == ref) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("%s: expected dictionary %08x with hash %016x, found %08x with hash %016x",
                      object, ref.id, ref.hash, dictionary.id(), dictionary.ref().hash));
}

}  // namespace strata::segment
