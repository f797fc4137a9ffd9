#include "io/compression.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"

namespace strata::io {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// One context a thread: making one costs more than compressing a page.
ZSTD_CCtx* ThreadCompressor() {
  static thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context;
  if (context == nullptr) context.reset(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* ThreadDecompressor() {
  static thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context;
  if (context == nullptr) context.reset(ZSTD_createDCtx());
  return context.get();
}

absl::Status OutOfMemory() { return LackError(Lack::kMemory, "zstd: out of memory"); }

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
  ZSTD_CCtx* context = ThreadCompressor();
  if (context == nullptr) return OutOfMemory();
  std::vector<uint8_t> out(ZSTD_compressBound(block.size()));
  const size_t size =
      ZSTD_compressCCtx(context, out.data(), out.size(), block.data(), block.size(), level);
  if (ZSTD_isError(size)) {
    if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) return OutOfMemory();
    return absl::InternalError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
  }
  out.resize(size);
  return out;
}

absl::Status DecompressZstd(ByteView compressed, MutableBytes out) {
  if (absl::Status one = CheckOneFrame(compressed, out.size()); !one.ok()) return one;
  ZSTD_DCtx* context = ThreadDecompressor();
  if (context == nullptr) return OutOfMemory();
  const size_t size =
      ZSTD_decompressDCtx(context, out.data(), out.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(size))
    return absl::DataLossError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
  if (size != out.size()) {
    return absl::DataLossError(absl::StrCat("zstd: expected ", out.size(), " bytes, found ", size));
  }
  return absl::OkStatus();
}

}  // namespace strata::io
