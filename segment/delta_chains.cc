#include "segment/delta_chains.h"

#include <utility>

#include "io/status_macros.h"

namespace strata::segment {
namespace {

// A delta this small is taken without a look at what a keyframe would come to.
constexpr uint32_t SmallDelta(uint32_t keyframe_bytes) { return keyframe_bytes / 2; }

}  // namespace

absl::StatusOr<bool> DeltaChains::TryDelta(const Version& last, io::ByteView plain, int level,
                                           std::vector<uint8_t>* encoded) {
  if (last.frame == FrameNo(0) || last.depth >= longest_) return false;
  STRATA_RETURN_IF_ERROR(read_frame_(last.frame, absl::MakeSpan(previous_)));
  return EncodeDelta(plain, previous_, level, encoded);
}

absl::StatusOr<Codec> DeltaChains::Encode(PageNo page, FrameNo frame, io::ByteView plain,
                                          const PageEncoding& keyframe,
                                          std::vector<uint8_t>* encoded) {
  Version& last = versions_[page.value()];
  STRATA_ASSIGN_OR_RETURN(const bool shrank, TryDelta(last, plain, keyframe.zstd_level, encoded));
  if (shrank && encoded->size() <= SmallDelta(last.keyframe_bytes)) {
    last = {frame, last.depth + 1, last.keyframe_bytes};
    return Codec::kDelta;
  }
  if (shrank) delta_.swap(*encoded);
  STRATA_ASSIGN_OR_RETURN(const Codec codec, EncodePage(plain, keyframe, encoded));
  const size_t alone = codec == Codec::kRaw ? plain.size() : encoded->size();
  if (shrank && delta_.size() < alone) {
    encoded->swap(delta_);
    last = {frame, last.depth + 1, last.keyframe_bytes};
    return Codec::kDelta;
  }
  last = {frame, 0, static_cast<uint32_t>(alone)};
  return codec;
}

}  // namespace strata::segment
