#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"
#include "tests/segment/segment_samples.h"

// The bytes on disk are pinned: a change of the format must change these files, and be noted in
// docs/decisions. STRATA_UPDATE_GOLDEN=1 in the environment writes them anew.
namespace strata::segment {
namespace {

struct Golden {
  const char* name;
  SegmentState state;
  Codec codec;
  bool sealed_in_place;
};

std::vector<uint8_t> Generate(const Golden& golden) {
  SampleOptions options;
  options.state = golden.state;
  const Sample sample = MakeSample(options);
  if (golden.state != SegmentState::kCurrent) return WriteStored(sample, golden.codec);
  return golden.sealed_in_place ? WriteSealedLog(sample) : WriteLog(sample);
}

std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

class GoldenSegment : public testing::TestWithParam<Golden> {};

TEST_P(GoldenSegment, BytesAreThoseOfTheFile) {
  const std::string path = std::string(STRATA_GOLDEN_DIR) + "/" + GetParam().name + ".segment";
  const std::vector<uint8_t> generated = Generate(GetParam());
  if (std::getenv("STRATA_UPDATE_GOLDEN") != nullptr) WriteFile(path, generated);
  const std::vector<uint8_t> stored = ReadFile(path);
  EXPECT_LT(stored.size(), 64u << 10);
  ASSERT_EQ(stored.size(), generated.size()) << path;
  EXPECT_TRUE(stored == generated)
      << path << " differs first at "
      << std::mismatch(stored.begin(), stored.end(), generated.begin()).first - stored.begin();
}

TEST_P(GoldenSegment, FileIsRead) {
  const std::string path = std::string(STRATA_GOLDEN_DIR) + "/" + GetParam().name + ".segment";
  const auto reader = OpenBytes(ReadFile(path));
  const bool is_live = GetParam().state == SegmentState::kCurrent && !GetParam().sealed_in_place;
  if (is_live) {
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kFailedPrecondition);
    return;
  }
  ASSERT_TRUE(reader.ok()) << reader.status();
  const absl::Status verified = (*reader)->VerifyAll();
  EXPECT_TRUE(verified.ok()) << verified;
}

// Only formats without zstd are pinned to the byte: its output may change with its version.
INSTANTIATE_TEST_SUITE_P(
    All, GoldenSegment,
    testing::Values(Golden{"current_v1", SegmentState::kCurrent, Codec::kRaw, false},
                    Golden{"sealed_in_place_v1", SegmentState::kCurrent, Codec::kRaw, true},
                    Golden{"sealed_dense_v1", SegmentState::kSealed, Codec::kRaw, false},
                    Golden{"compacted_dense_v1", SegmentState::kCompacted, Codec::kRaw, false}),
    [](const auto& info) { return std::string(info.param.name); });

// Files whose bytes this release does not write, or only this version of zstd does.
struct ReadOnlyGolden {
  const char* name;
  SegmentState state;
  Codec codec;      // of at least one frame
  bool is_written;  // with STRATA_UPDATE_GOLDEN
};

class ReadOnlyGoldenSegment : public testing::TestWithParam<ReadOnlyGolden> {
 protected:
  ReadOnlyGoldenSegment() {
    SampleOptions options;
    options.state = GetParam().state;
    options.similar = GetParam().codec == Codec::kDelta;
    options.quotes_dictionary = GetParam().codec == Codec::kZstdDictionary;
    if (options.similar) options.highest_page = 4;
    sample_ = MakeSample(options);
    const std::string path = std::string(STRATA_GOLDEN_DIR) + "/" + GetParam().name + ".segment";
    if (std::getenv("STRATA_UPDATE_GOLDEN") != nullptr && GetParam().is_written)
      WriteFile(path, WriteStored(sample_, GetParam().codec));
    bytes_ = ReadFile(path);
  }

  Sample sample_;
  std::vector<uint8_t> bytes_;
};

TEST_P(ReadOnlyGoldenSegment, HoldsTheSample) {
  const auto reader = OpenBytes(bytes_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const absl::Status verified = (*reader)->VerifyAll();
  EXPECT_TRUE(verified.ok()) << verified;
  std::vector<uint8_t> page(sample_.header.page_size);
  size_t with_codec = 0;
  ASSERT_EQ((*reader)->footer().frames, sample_.frames.size());
  for (size_t i = 0; i < sample_.frames.size(); ++i) {
    const auto header = (*reader)->ReadFrame(i, absl::MakeSpan(page));
    ASSERT_TRUE(header.ok()) << header.status();
    with_codec += header->codec == GetParam().codec;
    EXPECT_EQ(page, sample_.frames[i].page);
  }
  EXPECT_GT(with_codec, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, ReadOnlyGoldenSegment,
    testing::Values(
        ReadOnlyGolden{"sealed_v1", SegmentState::kSealed, Codec::kRaw, false},
        ReadOnlyGolden{"compacted_v1", SegmentState::kCompacted, Codec::kRaw, false},
        ReadOnlyGolden{"compacted_zstd_v1", SegmentState::kCompacted, Codec::kZstd, false},
        ReadOnlyGolden{"sealed_delta_v1", SegmentState::kSealed, Codec::kDelta, true},
        ReadOnlyGolden{"compacted_zstd_dense_v1", SegmentState::kCompacted, Codec::kZstd, true},
        ReadOnlyGolden{"compacted_dictionary_v1", SegmentState::kCompacted, Codec::kZstdDictionary,
                       true}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace strata::segment
