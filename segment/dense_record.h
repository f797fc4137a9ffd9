#pragma once

#include <cstdint>

#include "io/bytes.h"
#include "segment/frame.h"

// Records of stored segments: what the frame directory says already is not said again. Format:
// docs/segment_format.md, "Dense records"; tested in tests/segment/delta_test.cc.
namespace strata::segment {

constexpr uint32_t kDenseHeaderSize = 8;

// Writes the header's kDenseHeaderSize bytes; `header` is the frame as its directory line and the
// segment's header describe it, with the checksum of its plain page.
void EncodeDenseHeader(const FrameHeader& header, io::ByteView payload, uint32_t seed, uint8_t* to);

// Takes the two checksums from the header's bytes into `header`. False: `header`, these bytes and
// `payload` do not belong together.
bool DecodeDenseHeader(const uint8_t* from, io::ByteView payload, uint32_t seed,
                       FrameHeader* header);

}  // namespace strata::segment
