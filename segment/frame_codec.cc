#include "segment/frame_codec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "io/compression.h"
#include "io/reference_compression.h"
#include "io/status_macros.h"

namespace strata::segment {

PageEncoding ZstdEncoding(std::shared_ptr<const Dictionary> dictionary, int zstd_level) {
  const Codec codec = dictionary == nullptr ? Codec::kZstd : Codec::kZstdDictionary;
  return {codec, zstd_level, std::move(dictionary)};
}

absl::StatusOr<Codec> EncodePage(io::ByteView page, const PageEncoding& encoding,
                                 std::vector<uint8_t>* encoded) {
  switch (encoding.codec) {
    case Codec::kRaw:
      return Codec::kRaw;
    case Codec::kZstd: {
      STRATA_ASSIGN_OR_RETURN(*encoded, io::CompressZstd(page, encoding.zstd_level));
      break;
    }
    case Codec::kZstdDictionary: {
      if (encoding.dictionary == nullptr) {
        return absl::InvalidArgumentError("frame: codec 2 expects a dictionary");
      }
      STRATA_RETURN_IF_ERROR(io::CompressAgainst({{}, &encoding.dictionary->zstd()}, page,
                                                 encoding.zstd_level, encoded));
      break;
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("frame: a page alone cannot have codec ", static_cast<int>(encoding.codec)));
  }
  return encoded->size() < page.size() ? encoding.codec : Codec::kRaw;
}

absl::StatusOr<bool> EncodeDelta(io::ByteView page, io::ByteView previous, int zstd_level,
                                 std::vector<uint8_t>* encoded) {
  STRATA_RETURN_IF_ERROR(io::CompressAgainst({previous, nullptr}, page, zstd_level, encoded));
  return encoded->size() < page.size();
}

absl::Status DecodePage(Codec codec, const PageReference& reference, io::ByteView payload,
                        io::MutableBytes page) {
  switch (codec) {
    case Codec::kRaw:
      if (payload.size() != page.size()) {
        return absl::DataLossError(absl::StrCat("frame: expected a page of ", page.size(),
                                                " bytes, found ", payload.size()));
      }
      std::memcpy(page.data(), payload.data(), page.size());
      return absl::OkStatus();
    case Codec::kZstd:
      return io::DecompressZstd(payload, page);
    case Codec::kZstdDictionary:
      if (reference.dictionary == nullptr) break;
      return io::DecompressAgainst({{}, &reference.dictionary->zstd()}, payload, page);
    case Codec::kDelta:
      if (reference.previous.empty()) break;
      return io::DecompressAgainst({reference.previous, nullptr}, payload, page);
    default:
      break;
  }
  return absl::UnimplementedError(absl::StrCat("frame: codec ", static_cast<int>(codec),
                                               " without what it was encoded against"));
}

}  // namespace strata::segment
