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
  bool similar = false;            // versions of a page differ in a few bytes
  bool quotes_dictionary = false;  // pages begin with bytes of SampleDictionary
  uint64_t seed = 1;
};

// Transactions of one to four frames; database sizes go up and down.
Sample MakeSample(const SampleOptions& options);

// The segment's bytes by SegmentWriter. kDelta: zstd, and deltas in chains of up to three;
// kZstdDictionary: with SampleDictionary.
std::vector<uint8_t> WriteStored(const Sample& sample, Codec codec);

SegmentWriterOptions WriterOptions(const Sample& sample, Codec codec);

// Small, always the same, and raw (not trained), so that it does not depend on zstd's version.
std::shared_ptr<const Dictionary> SampleDictionary();

// Has SampleDictionary and no other.
class SampleDictionaries : public DictionarySource {
 public:
  absl::StatusOr<std::shared_ptr<const Dictionary>> Get(const DictionaryRef& ref) override;
};

// The bytes of a live log with the sample's frames, a padding and a mark, without a tail.
std::vector<uint8_t> WriteLog(const Sample& sample);

// The same, sealed in place.
std::vector<uint8_t> WriteSealedLog(const Sample& sample);

// With SampleDictionaries.
absl::StatusOr<std::unique_ptr<SegmentReader>> OpenBytes(std::vector<uint8_t> bytes);

}  // namespace strata::segment
