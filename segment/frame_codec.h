#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/frame.h"

// A frame's payload from and to the plain page.
namespace strata::segment {

// Stores a page with `codec` (kRaw or kZstd; Unimplemented otherwise): the codec used, which is
// kRaw when the page did not shrink. `encoded` is filled unless that is kRaw: then the payload is
// the page itself.
absl::StatusOr<Codec> EncodePage(io::ByteView page, Codec codec, int zstd_level,
                                 std::vector<uint8_t>* encoded);

// Fills `page` from the payload of a frame. DataLoss: it does not decode to page.size() bytes.
// Unimplemented: a codec this version cannot read; the message names codec and dictionary.
absl::Status DecodePage(Codec codec, uint32_t dictionary_id, io::ByteView payload,
                        io::MutableBytes page);

}  // namespace strata::segment
