#include <algorithm>

#include "gtest/gtest.h"
#include "io/checksum.h"
#include "io/memory_stream.h"
#include "segment/dense_record.h"
#include "segment/frame_directory.h"
#include "tests/segment/segment_samples.h"

// Deltas: how long chains get, who decodes what, and what happens when a part of a chain is gone.
// The bytes: docs/segment_format.md, "Payloads" and "Dense records".
namespace strata::segment {
namespace {

Sample SimilarSample(uint32_t frames = 60) {
  SampleOptions options;
  options.similar = true;
  options.highest_page = 4;
  options.frames = frames;
  return MakeSample(options);
}

std::vector<DirectoryEntry> DirectoryOf(const std::vector<uint8_t>& bytes) {
  return OpenBytes(bytes).value()->ReadDirectory(0, 1000).value();
}

uint32_t DepthOf(const std::vector<DirectoryEntry>& directory, size_t i) {
  uint32_t depth = 0;
  for (; directory[i].codec == Codec::kDelta; ++depth) i = directory[i].previous - 1;
  return depth;
}

// The segment with another directory, everything around it made right.
std::vector<uint8_t> WithDirectory(std::vector<uint8_t> bytes,
                                   const std::vector<DirectoryEntry>& directory) {
  const auto reader = OpenBytes(bytes).value();
  const Footer& footer = reader->footer();
  std::vector<uint8_t> encoded;
  for (size_t at = 0; at < directory.size(); at += kDirectoryBlockEntries) {
    const auto block = absl::MakeConstSpan(directory).subspan(at, kDirectoryBlockEntries);
    EXPECT_TRUE(EncodeDirectoryBlock(block, true, &encoded).ok());
  }
  EXPECT_EQ(encoded.size(), footer.directory_length);
  std::copy(encoded.begin(), encoded.end(),
            bytes.begin() + static_cast<ptrdiff_t>(footer.directory_offset));
  Footer changed = footer;
  changed.tail_checksum = io::Crc32c(
      0, io::ByteView(bytes).subspan(footer.directory_offset,
                                     bytes.size() - kFooterSize - footer.directory_offset));
  EncodeFooter(changed, bytes.data() + bytes.size() - kFooterSize);
  return bytes;
}

TEST(DeltaTest, ChainsEndAtTheirBound) {
  const Sample sample = SimilarSample();
  const std::vector<DirectoryEntry> directory = DirectoryOf(WriteStored(sample, Codec::kDelta));
  uint32_t deepest = 0;
  for (size_t i = 0; i < directory.size(); ++i) deepest = std::max(deepest, DepthOf(directory, i));
  EXPECT_EQ(deepest, 3u);
}

TEST(DeltaTest, SimilarVersionsTakeAFractionOfTheirKeyframe) {
  const std::vector<DirectoryEntry> directory =
      DirectoryOf(WriteStored(SimilarSample(), Codec::kDelta));
  size_t deltas = 0;
  for (const DirectoryEntry& entry : directory) {
    if (entry.codec != Codec::kDelta) continue;
    ++deltas;
    EXPECT_LT(entry.stored_length, 60u);
  }
  EXPECT_GT(deltas, directory.size() / 2);
}

TEST(DeltaTest, VersionsWithNothingInCommonAreNotDeltas) {
  SampleOptions options;
  options.compressible = false;
  options.highest_page = 3;
  for (const DirectoryEntry& entry : DirectoryOf(WriteStored(MakeSample(options), Codec::kDelta)))
    EXPECT_EQ(entry.codec, Codec::kRaw);
}

TEST(DeltaTest, ReadingInOrderAndAloneGiveTheSame) {
  const Sample sample = SimilarSample();
  const auto reader = OpenBytes(WriteStored(sample, Codec::kDelta)).value();
  const std::vector<DirectoryEntry> directory = reader->ReadDirectory(0, 1000).value();
  RecentPages all;
  RecentPages one_page(sample.header.page_size);  // forgets, so that chains are walked
  std::vector<uint8_t> page(sample.header.page_size);
  for (size_t i = 0; i < directory.size(); ++i) {
    for (RecentPages* recent : {&all, &one_page}) {
      ASSERT_TRUE(reader->ReadFrame(i, directory[i], recent, absl::MakeSpan(page)).ok());
      EXPECT_EQ(page, sample.frames[i].page);
    }
  }
}

TEST(DeltaTest, MissingStartOfAChainIsNamed) {
  const Sample sample = SimilarSample();
  const std::vector<uint8_t> bytes = WriteStored(sample, Codec::kDelta);
  std::vector<DirectoryEntry> directory = DirectoryOf(bytes);
  const auto delta = std::find_if(directory.begin(), directory.end(),
                                  [](auto& entry) { return entry.codec == Codec::kDelta; });
  ASSERT_NE(delta, directory.end());
  const uint64_t ordinal = static_cast<uint64_t>(delta - directory.begin());
  delta->previous = 0;
  const auto reader = OpenBytes(WithDirectory(bytes, directory)).value();
  std::vector<uint8_t> page(sample.header.page_size);
  const absl::Status status = reader->ReadFrame(ordinal, absl::MakeSpan(page)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("the start of its chain is missing"), std::string::npos)
      << status;
  EXPECT_FALSE(reader->VerifyAll().ok());
}

TEST(DeltaTest, ChainOfAnotherPageOrOfTheWrongVersionIsAnError) {
  const Sample sample = SimilarSample();
  const std::vector<uint8_t> bytes = WriteStored(sample, Codec::kDelta);
  const std::vector<DirectoryEntry> directory = DirectoryOf(bytes);
  std::vector<uint8_t> page(sample.header.page_size);
  size_t tried = 0;
  for (size_t i = 0; i < directory.size(); ++i) {
    if (directory[i].codec != Codec::kDelta) continue;
    for (uint32_t other = 1; other <= i; ++other) {
      if (other == directory[i].previous) continue;
      std::vector<DirectoryEntry> changed = directory;
      changed[i].previous = other;
      const auto reader = OpenBytes(WithDirectory(bytes, changed)).value();
      const auto read = reader->ReadFrame(i, absl::MakeSpan(page));
      // Versions between may have been the same page: only other bytes would be wrong.
      EXPECT_TRUE(!read.ok() || page == sample.frames[i].page) << i << " on " << other;
      ++tried;
    }
  }
  EXPECT_GT(tried, 100u);
}

TEST(DeltaTest, LoopsAndLaterVersionsAreRefused) {
  const Sample sample = SimilarSample();
  const std::vector<uint8_t> bytes = WriteStored(sample, Codec::kDelta);
  const std::vector<DirectoryEntry> directory = DirectoryOf(bytes);
  for (size_t i = 0; i < directory.size(); ++i) {
    for (uint32_t later :
         {static_cast<uint32_t>(i + 1), static_cast<uint32_t>(i + 2), UINT32_MAX}) {
      std::vector<DirectoryEntry> changed = directory;
      changed[i].previous = later;
      const auto reader = OpenBytes(WithDirectory(bytes, changed)).value();
      EXPECT_EQ(reader->ReadDirectory(i, 1).status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

TEST(DeltaTest, EncodedDeltaIsNotCopiedElsewhere) {
  const Sample sample = SimilarSample();
  const auto reader = OpenBytes(WriteStored(sample, Codec::kDelta)).value();
  io::MemorySink sink;
  auto writer =
      SegmentWriter::Create(&sink, sample.header, WriterOptions(sample, Codec::kDelta)).value();
  std::vector<uint8_t> payload;
  const std::vector<DirectoryEntry> directory = reader->ReadDirectory(0, 1000).value();
  for (const DirectoryEntry& entry : directory) {
    if (entry.codec != Codec::kDelta) continue;
    const FrameHeader header = reader->ReadStoredFrame(entry, &payload).value();
    EXPECT_EQ(writer->AddEncodedFrame(header, payload, 0).code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(DeltaTest, CompactedSegmentTakesNoChains) {
  SampleOptions options;
  options.state = SegmentState::kCompacted;
  const Sample sample = MakeSample(options);
  io::MemorySink sink;
  EXPECT_EQ(SegmentWriter::Create(&sink, sample.header, WriterOptions(sample, Codec::kDelta))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace strata::segment
