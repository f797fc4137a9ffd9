#include "segment/frame_codec.h"

#include "absl/strings/str_cat.h"
#include "io/compression.h"
#include "io/status_macros.h"

namespace strata::segment {

absl::StatusOr<Codec> EncodePage(io::ByteView page, Codec codec, int zstd_level,
                                 std::vector<uint8_t>* encoded) {
  if (codec == Codec::kRaw) return Codec::kRaw;
  if (codec != Codec::kZstd) {
    return absl::UnimplementedError(
        absl::StrCat("frame: codec ", static_cast<int>(codec), " cannot be written"));
  }
  STRATA_ASSIGN_OR_RETURN(*encoded, io::CompressZstd(page, zstd_level));
  return encoded->size() < page.size() ? Codec::kZstd : Codec::kRaw;
}

absl::Status DecodePage(Codec codec, uint32_t dictionary_id, io::ByteView payload,
                        io::MutableBytes page) {
  if (codec == Codec::kRaw) {
    if (payload.size() != page.size()) {
      return absl::DataLossError(absl::StrCat("frame: expected a page of ", page.size(),
                                              " bytes, found ", payload.size()));
    }
    std::memcpy(page.data(), payload.data(), page.size());
    return absl::OkStatus();
  }
  if (codec == Codec::kZstd && dictionary_id == 0) return io::DecompressZstd(payload, page);
  return absl::UnimplementedError(absl::StrCat("frame: needs codec ", static_cast<int>(codec),
                                               " with dictionary ", dictionary_id));
}

}  // namespace strata::segment
