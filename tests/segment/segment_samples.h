#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "segment/segment_reader.h"
#include "segment/segment_writer.h"

// Small segments made of chosen or random page versions, the same for the same seed, and what they
// hold.
namespace strata::segment {

struct SampleFrame {
  FrameHeader header;
  std::vector<uint8_t> page;
};

struct Sample {
  SegmentHeader header;
  std::vector<SampleFrame> frames;
  std::vector<CommitEntry> commits;
};

struct SampleOptions {
  SegmentState state = SegmentState::kSealed;
  uint32_t page_size = 512;
  uint32_t frames = 20;
  uint32_t highest_page = 12;
  bool compressible = true;
  uint64_t seed = 1;
};

// Transactions of one to four frames; database sizes go up and down.
Sample MakeSample(const SampleOptions& options);

// The segment's bytes by SegmentWriter.
std::vector<uint8_t> WriteStored(const Sample& sample, Codec codec);

// The bytes of a live log with the sample's frames, a padding and a mark, without a tail.
std::vector<uint8_t> WriteLog(const Sample& sample);

// The same, sealed in place.
std::vector<uint8_t> WriteSealedLog(const Sample& sample);

absl::StatusOr<std::unique_ptr<SegmentReader>> OpenBytes(std::vector<uint8_t> bytes);

}  // namespace strata::segment
