#pragma once

#include <cstdint>

#include "segment/manifest.h"

namespace strata::segment {

inline LogId SampleLog(uint8_t fill) {
  LogId id;
  id.bytes.fill(fill);
  return id;
}

inline SegmentKey SampleKey(uint64_t first, uint64_t last, uint8_t level = 0, uint64_t epoch = 1,
                            uint8_t log = 1) {
  return {SampleLog(log), FrameNo(first), FrameNo(last), Epoch(epoch), level};
}

inline EpochClaim SampleClaim(uint64_t epoch, uint64_t first_frame, uint8_t log = 1) {
  EpochClaim claim;
  claim.log_id = SampleLog(log);
  claim.epoch = Epoch(epoch);
  claim.first_frame = FrameNo(first_frame);
  claim.page_size = 4096;
  claim.writer_nonce = 1000 + epoch;
  claim.created_us = 1'700'000'000'000'000 + static_cast<int64_t>(epoch);
  return claim;
}

// One of everything.
inline Manifest SampleManifest() {
  Manifest manifest;
  manifest.kind = ManifestKind::kHint;
  manifest.from = 2048;
  manifest.to = 2051;
  manifest.nonce = 0x1122334455667788;
  manifest.created_us = 1'700'000'000'000'000;
  manifest.parts = {{1, 1023, 7, 4000, 0xabcdef01, 900}, {1024, 2047, 8, 5000, 0x12345678, 1000}};
  ManifestEdits& edits = manifest.edits;
  edits.claims[Epoch(1)] = SampleClaim(1, 1);
  edits.claims[Epoch(2)] = SampleClaim(2, 101);
  edits.claims[Epoch(3)] = SampleClaim(3, 1, 2);
  edits.claims[Epoch(3)].parent_log_id = SampleLog(1);
  edits.claims[Epoch(3)].parent_frame = FrameNo(150);
  edits.ends[SampleLog(1)] = FrameNo(150);
  edits.ends[SampleLog(2)] = FrameNo(9);
  edits.adds[SampleKey(1, 100)] = {65536, 0xdeadbeef, 12, 1'700'000'000'000'000,
                                   1'700'000'001'000'000};
  edits.adds[SampleKey(101, 150, 0, 2)] = {1, 0, 1, 1'600'000'000'000'000, 1'600'000'000'000'000};
  edits.adds[SampleKey(1, 9, 1, 3, 2)] = {4096, 1, 1, 0, 0};
  edits.marks[SampleKey(1, 50)] = {777, 1'700'000'000'000'001};
  edits.forgets.insert(SampleKey(51, 100));
  edits.pins["before-migration"] = Pin{SampleLog(1), FrameNo(150), 1'700'000'000'000'002, 3};
  edits.pins["gone"] = std::nullopt;
  edits.policy = "all:24h, 1m:7d";
  return manifest;
}

}  // namespace strata::segment
