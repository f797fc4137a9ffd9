#pragma once

#include <cstdint>

#include "segment/store_layout.h"

// What a namespace is made of, in short, for tests.
namespace strata::compactor {

inline segment::LogId Id(uint8_t fill) {
  segment::LogId id;
  id.bytes.fill(fill);
  return id;
}

// A segment of 1,000 bytes.
inline segment::StoredSegment Stored(uint64_t first, uint64_t last, uint64_t epoch = 1,
                                     uint8_t level = 0, uint8_t log = 1) {
  return {{Id(log), segment::FrameNo(first), segment::FrameNo(last), segment::Epoch(epoch), level},
          1000};
}

inline segment::EpochClaim Claim(uint64_t epoch, uint64_t first_frame, uint8_t log = 1) {
  segment::EpochClaim claim;
  claim.log_id = Id(log);
  claim.epoch = segment::Epoch(epoch);
  claim.first_frame = segment::FrameNo(first_frame);
  claim.page_size = 4096;
  return claim;
}

}  // namespace strata::compactor
