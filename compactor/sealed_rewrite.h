#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "segment/segment_reader.h"
#include "segment/segment_writer.h"

namespace strata::compactor {

// The bytes of a sealed segment with the same frames and commits, encoded anew, and compared with
// it frame by frame. `dictionaries` has the one of `encoding`. DataLoss: `reader` is damaged.
// Memory: the segment's bytes, 8 MiB, and 60 bytes a frame.
absl::StatusOr<std::vector<uint8_t>> RewriteSealed(
    const segment::SegmentReader& reader, const segment::PageEncoding& encoding,
    uint32_t longest_chain, uint64_t salt, std::shared_ptr<segment::DictionarySource> dictionaries);

}  // namespace strata::compactor
