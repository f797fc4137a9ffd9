#include <algorithm>

#include "gtest/gtest.h"
#include "segment/dense_record.h"
#include "tests/segment/segment_samples.h"

// What is damaged is an error, never other bytes.
namespace strata::segment {
namespace {

// Opens, reads each frame and verifies all; fails the test when other bytes than the sample's come
// back.
absl::Status ReadEverything(const std::vector<uint8_t>& bytes, const Sample& sample) {
  const auto reader = OpenBytes(bytes);
  if (!reader.ok()) return reader.status();
  absl::Status first_error;
  std::vector<uint8_t> page(sample.header.page_size);
  for (size_t i = 0; i < sample.frames.size(); ++i) {
    const auto header = (*reader)->ReadFrame(i, absl::MakeSpan(page));
    first_error.Update(header.status());
    if (!header.ok()) continue;
    EXPECT_EQ(page, sample.frames[i].page) << "wrong and silent";
  }
  const absl::Status verified = (*reader)->VerifyAll();
  EXPECT_FALSE(verified.ok() && !first_error.ok()) << "VerifyAll missed " << first_error;
  first_error.Update(verified);
  return first_error;
}

struct Case {
  const char* name;
  SegmentState state;
  Codec codec;
};

class DamagedSegment : public testing::TestWithParam<Case> {
 protected:
  DamagedSegment() {
    SampleOptions options;
    options.state = GetParam().state;
    options.frames = 9;
    options.similar = GetParam().codec == Codec::kDelta;
    options.quotes_dictionary = GetParam().codec == Codec::kZstdDictionary;
    if (options.similar) options.highest_page = 4;
    sample_ = MakeSample(options);
    bytes_ = GetParam().state == SegmentState::kCurrent ? WriteSealedLog(sample_)
                                                        : WriteStored(sample_, GetParam().codec);
  }

  Sample sample_;
  std::vector<uint8_t> bytes_;
};

TEST_P(DamagedSegment, IntactSegmentIsRead) {
  const absl::Status status = ReadEverything(bytes_, sample_);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(DamagedSegment, EveryFlippedByteIsAnError) {
  for (size_t at = 0; at < bytes_.size(); ++at) {
    for (uint8_t flip : {0x01, 0x80, 0xFF}) {
      bytes_[at] ^= flip;
      EXPECT_FALSE(ReadEverything(bytes_, sample_).ok()) << "offset " << at;
      bytes_[at] ^= flip;
    }
  }
}

TEST_P(DamagedSegment, EveryTruncationIsAnError) {
  while (!bytes_.empty()) {
    bytes_.pop_back();
    EXPECT_FALSE(ReadEverything(bytes_, sample_).ok()) << "length " << bytes_.size();
  }
}

TEST_P(DamagedSegment, BytesBehindTheFooterAreAnError) {
  for (size_t extra : {1, 64, 256, 4096}) {
    std::vector<uint8_t> longer = bytes_;
    longer.resize(bytes_.size() + extra);
    EXPECT_FALSE(ReadEverything(longer, sample_).ok()) << extra;
  }
}

TEST_P(DamagedSegment, SwappedRecordsAreAnError) {
  const auto reader = OpenBytes(bytes_).value();
  const size_t header_size = reader->header().is_dense() ? kDenseHeaderSize : kRecordHeaderSize;
  const std::vector<DirectoryEntry> directory = reader->ReadDirectory(0, 100).value();
  for (size_t i = 1; i < directory.size(); ++i) {
    if (directory[i].stored_length != directory[0].stored_length) continue;
    std::vector<uint8_t> swapped = bytes_;
    const auto first = swapped.begin() + static_cast<ptrdiff_t>(directory[0].offset);
    const auto other = swapped.begin() + static_cast<ptrdiff_t>(directory[i].offset);
    std::swap_ranges(
        first, first + static_cast<ptrdiff_t>(header_size + directory[0].stored_length), other);
    EXPECT_FALSE(ReadEverything(swapped, sample_).ok()) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedSegment,
    testing::Values(Case{"SealedRaw", SegmentState::kSealed, Codec::kRaw},
                    Case{"SealedZstd", SegmentState::kSealed, Codec::kZstd},
                    Case{"SealedDelta", SegmentState::kSealed, Codec::kDelta},
                    Case{"SealedDictionary", SegmentState::kSealed, Codec::kZstdDictionary},
                    Case{"CompactedZstd", SegmentState::kCompacted, Codec::kZstd},
                    Case{"CompactedDictionary", SegmentState::kCompacted, Codec::kZstdDictionary},
                    Case{"SealedInPlace", SegmentState::kCurrent, Codec::kRaw}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace strata::segment
