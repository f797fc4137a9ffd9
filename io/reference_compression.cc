#include "io/reference_compression.h"

// ZDICT's fast cover trainer is declared for static linking only; the shared library has it too.
#define ZDICT_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/status_macros.h"
#include "io/zstd_context.h"

namespace strata::io {
namespace {

constexpr size_t kMagicBytes = 4;
constexpr size_t kShortestDictionary = 256;

// What training settles on for pages: segments of kCoverSegment bytes are chosen for the frequency
// of the kCoverWord-byte words in them.
constexpr unsigned kCoverSegment = 1000;
constexpr unsigned kCoverWord = 8;
constexpr unsigned kCoverTableBits = 20;

absl::Status Prepare(ZSTD_CCtx* context, const ZstdReference& reference, int level) {
  STRATA_RETURN_IF_ERROR(
      CheckZstdWriting(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)));
  STRATA_RETURN_IF_ERROR(CheckZstdWriting(ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0)));
  STRATA_RETURN_IF_ERROR(
      CheckZstdWriting(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)));
  if (reference.dictionary != nullptr) {
    const ZSTD_CDict* digested = reference.dictionary->ForLevel(level);
    if (digested == nullptr) return LackError(Lack::kMemory, "zstd: no memory for a dictionary");
    return CheckZstdWriting(ZSTD_CCtx_refCDict(context, digested));
  }
  return CheckZstdWriting(
      ZSTD_CCtx_refPrefix(context, reference.prefix.data(), reference.prefix.size()));
}

// The frame with the magic number that it was stored without.
ByteView WithMagic(ByteView bare) {
  static thread_local std::vector<uint8_t> frame;
  frame.resize(kMagicBytes + bare.size());
  StoreLittleEndian<uint32_t>(frame.data(), ZSTD_MAGICNUMBER);
  std::copy(bare.begin(), bare.end(), frame.begin() + kMagicBytes);
  return frame;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const ZstdDictionary>> ZstdDictionary::Create(
    std::vector<uint8_t> content) {
  if (content.size() < kShortestDictionary) {
    return absl::InvalidArgumentError(absl::StrCat(
        "dictionary: expected at least ", kShortestDictionary, " bytes, found ", content.size()));
  }
  std::unique_ptr<ZstdDictionary> dictionary(new ZstdDictionary(std::move(content)));
  const ByteView bytes = dictionary->content();
  dictionary->reading_ = ZSTD_createDDict(bytes.data(), bytes.size());
  if (dictionary->reading_ == nullptr) {
    return absl::InvalidArgumentError("dictionary: zstd cannot use it");
  }
  return dictionary;
}

ZstdDictionary::~ZstdDictionary() {
  ZSTD_freeDDict(reading_);
  for (const auto& [level, digested] : by_level_) ZSTD_freeCDict(digested);
}

const ZSTD_CDict_s* ZstdDictionary::ForLevel(int level) const {
  MutexLock lock(&mutex_);
  ZSTD_CDict*& digested = by_level_[level];
  if (digested == nullptr) digested = ZSTD_createCDict(content_.data(), content_.size(), level);
  return digested;
}

absl::Status CompressAgainst(const ZstdReference& reference, ByteView block, int level,
                             std::vector<uint8_t>* out) {
  STRATA_ASSIGN_OR_RETURN(ZSTD_CCtx* const context, FreshCompressor());
  STRATA_RETURN_IF_ERROR(Prepare(context, reference, level));
  out->resize(ZSTD_compressBound(block.size()));
  const size_t size = ZSTD_compress2(context, out->data(), out->size(), block.data(), block.size());
  STRATA_RETURN_IF_ERROR(CheckZstdWriting(size));
  out->resize(size);
  out->erase(out->begin(), out->begin() + kMagicBytes);
  return absl::OkStatus();
}

absl::Status DecompressAgainst(const ZstdReference& reference, ByteView compressed,
                               MutableBytes out) {
  STRATA_ASSIGN_OR_RETURN(ZSTD_DCtx* const context, FreshDecompressor());
  const ByteView frame = WithMagic(compressed);
  const size_t length = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
  if (ZSTD_isError(length) || length != frame.size()) {
    return absl::DataLossError(
        absl::StrCat("zstd: the frame does not end with its ", compressed.size(), " bytes"));
  }
  const size_t referenced =
      reference.dictionary != nullptr
          ? ZSTD_DCtx_refDDict(context, reference.dictionary->ForReading())
          : ZSTD_DCtx_refPrefix(context, reference.prefix.data(), reference.prefix.size());
  STRATA_RETURN_IF_ERROR(CheckZstdReading(referenced));
  const size_t size =
      ZSTD_decompressDCtx(context, out.data(), out.size(), frame.data(), frame.size());
  STRATA_RETURN_IF_ERROR(CheckZstdReading(size));
  if (size == out.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("zstd: expected ", out.size(), " bytes, found ", size));
}

absl::StatusOr<std::vector<uint8_t>> TrainZstdDictionary(ByteView samples,
                                                         absl::Span<const size_t> sizes,
                                                         size_t bytes) {
  ZDICT_fastCover_params_t parameters = {};
  parameters.k = kCoverSegment;
  parameters.d = kCoverWord;
  parameters.f = kCoverTableBits;
  parameters.accel = 1;
  std::vector<uint8_t> dictionary(bytes);
  const size_t size = ZDICT_trainFromBuffer_fastCover(
      dictionary.data(), dictionary.size(), samples.data(), sizes.data(),
      static_cast<unsigned>(sizes.size()), parameters);
  if (ZDICT_isError(size)) {
    return absl::InvalidArgumentError(absl::StrCat("dictionary: ", sizes.size(), " samples of ",
                                                   samples.size(),
                                                   " bytes: ", ZDICT_getErrorName(size)));
  }
  dictionary.resize(size);
  return dictionary;
}

}  // namespace strata::io
