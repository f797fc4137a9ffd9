#include "io/compression.h"

#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "io/zstd_context.h"

namespace strata::io {
namespace {

// Refuses what ZSTD_decompress would take beyond one frame of the expected size.
absl::Status CheckOneFrame(ByteView compressed, size_t expected) {
  const unsigned long long content = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN) {
    return absl::DataLossError("zstd: no frame header with a content size");
  }
  if (content != expected) {
    return absl::DataLossError(
        absl::StrCat("zstd: expected ", expected, " bytes of content, found ", content));
  }
  const size_t length = ZSTD_findFrameCompressedSize(compressed.data(), compressed.size());
  if (ZSTD_isError(length) || length != compressed.size()) {
    return absl::DataLossError(absl::StrCat("zstd: the frame does not end with the block of ",
                                            compressed.size(), " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<uint8_t>> CompressZstd(ByteView block, int level) {
  STRATA_ASSIGN_OR_RETURN(ZSTD_CCtx* const context, FreshCompressor());
  std::vector<uint8_t> out(ZSTD_compressBound(block.size()));
  const size_t size =
      ZSTD_compressCCtx(context, out.data(), out.size(), block.data(), block.size(), level);
  STRATA_RETURN_IF_ERROR(CheckZstdWriting(size));
  out.resize(size);
  return out;
}

absl::Status DecompressZstd(ByteView compressed, MutableBytes out) {
  STRATA_RETURN_IF_ERROR(CheckOneFrame(compressed, out.size()));
  STRATA_ASSIGN_OR_RETURN(ZSTD_DCtx* const context, FreshDecompressor());
  const size_t size =
      ZSTD_decompressDCtx(context, out.data(), out.size(), compressed.data(), compressed.size());
  STRATA_RETURN_IF_ERROR(CheckZstdReading(size));
  if (size == out.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("zstd: expected ", out.size(), " bytes, found ", size));
}

}  // namespace strata::io
