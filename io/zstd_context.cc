#include "io/zstd_context.h"

#include <zstd_errors.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

absl::Status OutOfZstdMemory() { return LackError(Lack::kMemory, "zstd: out of memory"); }

absl::Status CheckZstd(size_t result, absl::StatusCode otherwise) {
  if (!ZSTD_isError(result)) return absl::OkStatus();
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) return OutOfZstdMemory();
  return absl::Status(otherwise, absl::StrCat("zstd: ", ZSTD_getErrorName(result)));
}

}  // namespace

absl::Status CheckZstdWriting(size_t result) {
  return CheckZstd(result, absl::StatusCode::kInternal);
}

absl::Status CheckZstdReading(size_t result) {
  return CheckZstd(result, absl::StatusCode::kDataLoss);
}

// One context a thread: making one costs more than compressing a page.
absl::StatusOr<ZSTD_CCtx*> FreshCompressor() {
  static thread_local std::unique_ptr<ZSTD_CCtx, FreeZstd> context;
  if (context == nullptr) context.reset(ZSTD_createCCtx());
  if (context == nullptr) return OutOfZstdMemory();
  STRATA_RETURN_IF_ERROR(
      CheckZstdWriting(ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters)));
  return context.get();
}

absl::StatusOr<ZSTD_DCtx*> FreshDecompressor() {
  static thread_local std::unique_ptr<ZSTD_DCtx, FreeZstd> context;
  if (context == nullptr) context.reset(ZSTD_createDCtx());
  if (context == nullptr) return OutOfZstdMemory();
  STRATA_RETURN_IF_ERROR(
      CheckZstdReading(ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_and_parameters)));
  return context.get();
}

}  // namespace strata::io
