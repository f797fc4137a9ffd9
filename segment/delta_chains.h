#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/frame_codec.h"
#include "segment/ids.h"

// Which frames of a sealed segment are deltas, and which of them are keyframes: the ones that
// stand alone, where chains start.
namespace strata::segment {

// No writer makes longer chains, and no reader follows one.
constexpr uint32_t kLongestChain = 64;

// Fills in the plain page of an earlier frame of the segment being written.
using PlainFrameReader = std::function<absl::Status(FrameNo, io::MutableBytes)>;

// One thread at a time. Memory: about 40 bytes for each page of the segment, and two pages.
class DeltaChains {
 public:
  // `longest`: deltas on one keyframe, at most kLongestChain; 0: none at all.
  DeltaChains(uint32_t page_size, uint32_t longest, PlainFrameReader read_frame)
      : longest_(longest), read_frame_(std::move(read_frame)), previous_(page_size) {}

  // Encodes the next frame of the segment: a delta where that is smaller, `keyframe` otherwise.
  // The codec used; `encoded` is filled unless that is kRaw.
  absl::StatusOr<Codec> Encode(PageNo page, FrameNo frame, io::ByteView plain,
                               const PageEncoding& keyframe, std::vector<uint8_t>* encoded);

 private:
  struct Version {
    FrameNo frame;
    uint32_t depth = 0;           // deltas below it
    uint32_t keyframe_bytes = 0;  // of the keyframe that its chain ends in
  };

  absl::StatusOr<bool> TryDelta(const Version& last, io::ByteView plain, int level,
                                std::vector<uint8_t>* encoded);

  const uint32_t longest_;
  const PlainFrameReader read_frame_;
  std::vector<uint8_t> previous_;
  std::vector<uint8_t> delta_;
  absl::flat_hash_map<uint32_t, Version> versions_;  // the newest of each page
};

}  // namespace strata::segment
