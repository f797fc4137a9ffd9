#pragma once

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "io/clock.h"
#include "segment/segment_reader.h"

namespace strata::segment {

constexpr size_t kCodecs = 5;

// What one codec did in a segment.
struct CodecStatistics {
  uint64_t frames = 0;
  uint64_t plain_bytes = 0;   // of their pages
  uint64_t stored_bytes = 0;  // of their payloads
  uint64_t timed_frames = 0;  // how many of them were decoded for the time
  int64_t decode_us = 0;      // those took, read and chains included
};

using SegmentStatistics = std::array<CodecStatistics, kCodecs>;  // by Codec

// Counts the frames of a segment from its directory, and decodes up to `timed_frames`, evenly
// spread. Errors of SegmentReader.
absl::StatusOr<SegmentStatistics> CollectStatistics(const SegmentReader& reader, io::Clock& clock,
                                                    uint64_t timed_frames);

void AddStatistics(const SegmentStatistics& of_one, SegmentStatistics* sum);

// "raw", "zstd", "dictionary", "delta", "columnar".
const char* CodecName(Codec codec);

}  // namespace strata::segment
