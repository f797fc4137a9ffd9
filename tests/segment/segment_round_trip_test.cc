#include <map>

#include "gtest/gtest.h"
#include "io/memory_stream.h"
#include "segment/digest.h"
#include "tests/segment/segment_samples.h"

namespace strata::segment {
namespace {

// Slow twin of the index of a segment in log order.
std::map<uint32_t, uint32_t> NewestLiveVersions(const Sample& sample) {
  std::map<uint32_t, uint32_t> newest;
  for (uint32_t ordinal = 0; ordinal < sample.frames.size(); ++ordinal) {
    const FrameHeader& header = sample.frames[ordinal].header;
    newest[header.page.value()] = ordinal;
    if (!header.is_commit) continue;
    newest.erase(newest.upper_bound(header.database_pages), newest.end());
  }
  return newest;
}

void ExpectHolds(const SegmentReader& reader, const Sample& sample) {
  ASSERT_EQ(reader.footer().frames, sample.frames.size());
  const auto directory = reader.ReadDirectory(0, UINT64_MAX);
  ASSERT_TRUE(directory.ok()) << directory.status();
  std::map<uint32_t, uint32_t> last;
  std::vector<uint8_t> page(sample.header.page_size);
  for (uint32_t ordinal = 0; ordinal < sample.frames.size(); ++ordinal) {
    const SampleFrame& frame = sample.frames[ordinal];
    const auto header = reader.ReadFrame(ordinal, absl::MakeSpan(page));
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(page, frame.page);
    EXPECT_EQ(header->frame, frame.header.frame);
    EXPECT_EQ(header->page, frame.header.page);
    EXPECT_EQ(header->is_commit, frame.header.is_commit);
    EXPECT_EQ(header->database_pages, frame.header.database_pages);
    EXPECT_EQ(header->commit_time_us, frame.header.commit_time_us);
    EXPECT_EQ(header->transaction_first, frame.header.transaction_first);
    const uint32_t page_no = frame.header.page.value();
    EXPECT_EQ((*directory)[ordinal].previous, last.count(page_no) ? last[page_no] + 1 : 0);
    last[page_no] = ordinal;
  }
}

void ExpectIndexed(const SegmentReader& reader, const Sample& sample) {
  const std::map<uint32_t, uint32_t> newest = NewestLiveVersions(sample);
  ASSERT_EQ(reader.footer().pages, newest.size());
  for (uint32_t page = 0; page < 200; ++page) {
    const auto found = reader.FindPage(PageNo(page));
    ASSERT_TRUE(found.ok()) << found.status();
    const auto expected = newest.find(page);
    ASSERT_EQ(found->has_value(), expected != newest.end()) << page;
    EXPECT_EQ(found->value_or(0), found->has_value() ? expected->second : 0);
  }
  auto iterator = reader.NewIndexIterator();
  ASSERT_TRUE(iterator.ok());
  for (const auto& [page, ordinal] : newest) {
    const auto entry = (*iterator)->Next();
    ASSERT_TRUE(entry.ok() && entry->has_value());
    EXPECT_EQ((*entry)->page.value(), page);
    EXPECT_EQ((*entry)->ordinal, ordinal);
    EXPECT_EQ((*entry)->page_hash, PageHash(PageNo(page), sample.frames[ordinal].page));
  }
  EXPECT_FALSE((*iterator)->Next().value().has_value());
}

void ExpectReadsBack(const std::vector<uint8_t>& bytes, const Sample& sample) {
  const auto reader = OpenBytes(bytes);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ExpectHolds(**reader, sample);
  ExpectIndexed(**reader, sample);
  ASSERT_EQ((*reader)->commits().size(), sample.commits.size());
  for (size_t i = 0; i < sample.commits.size(); ++i) {
    EXPECT_EQ((*reader)->commits()[i].frame, sample.commits[i].frame);
    EXPECT_EQ((*reader)->commits()[i].digest, sample.commits[i].digest);
  }
  const absl::Status verified = (*reader)->VerifyAll();
  EXPECT_TRUE(verified.ok()) << verified;
}

class SegmentOfPageSize : public testing::TestWithParam<uint32_t> {};

TEST_P(SegmentOfPageSize, SealedReadsBackWithEachCodec) {
  SampleOptions options;
  options.page_size = GetParam();
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    options.seed = seed;
    options.frames = 1 + static_cast<uint32_t>(seed * 13 % 60);
    options.compressible = seed % 3 != 0;
    const Sample sample = MakeSample(options);
    for (Codec codec : {Codec::kRaw, Codec::kZstd, Codec::kZstdDictionary, Codec::kDelta}) {
      ExpectReadsBack(WriteStored(sample, codec), sample);
    }
    options.similar = true;
    const Sample alike = MakeSample(options);
    ExpectReadsBack(WriteStored(alike, Codec::kDelta), alike);
    options.similar = false;
  }
}

TEST_P(SegmentOfPageSize, CompactedReadsBackWithEachCodec) {
  SampleOptions options;
  options.state = SegmentState::kCompacted;
  options.page_size = GetParam();
  for (uint32_t frames : {1u, 15u, 16u, 40u}) {
    for (uint32_t highest_page : {frames, 3 * frames}) {
      options.frames = frames;
      options.highest_page = highest_page;
      const Sample sample = MakeSample(options);
      ExpectReadsBack(WriteStored(sample, Codec::kRaw), sample);
      ExpectReadsBack(WriteStored(sample, Codec::kZstd), sample);
      ExpectReadsBack(WriteStored(sample, Codec::kZstdDictionary), sample);
    }
  }
}

TEST_P(SegmentOfPageSize, LogSealedInPlaceReadsBack) {
  SampleOptions options;
  options.state = SegmentState::kCurrent;
  options.page_size = GetParam();
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    options.seed = seed;
    const Sample sample = MakeSample(options);
    ExpectReadsBack(WriteSealedLog(sample), sample);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SegmentOfPageSize,
                         testing::Values(512, 1024, 2048, 4096, 8192, 16384, 32768, 65536));

TEST(SegmentTest, PageThatDoesNotShrinkIsStoredRaw) {
  SampleOptions options;
  options.compressible = false;
  const auto reader = OpenBytes(WriteStored(MakeSample(options), Codec::kZstd)).value();
  const std::vector<DirectoryEntry> directory = reader->ReadDirectory(0, 100).value();
  for (const DirectoryEntry& entry : directory) {
    EXPECT_EQ(entry.codec, Codec::kRaw);
    EXPECT_EQ(entry.stored_length, 512u);
  }
}

TEST(SegmentTest, EncodedFramesAreCopiedWithoutDecoding) {
  const Sample sample = MakeSample({});
  const auto reader = OpenBytes(WriteStored(sample, Codec::kZstd)).value();
  io::MemorySink sink;
  SegmentHeader header = sample.header;
  header.salt = 77;
  SegmentWriterOptions options;
  options.encoding.codec = Codec::kZstd;
  auto writer = SegmentWriter::Create(&sink, header, options).value();
  std::vector<uint8_t> payload;
  const std::vector<DirectoryEntry> directory = reader->ReadDirectory(0, 100).value();
  for (size_t i = 0; i < directory.size(); ++i) {
    const FrameHeader frame = reader->ReadStoredFrame(directory[i], &payload).value();
    EXPECT_EQ(frame.codec, Codec::kZstd);
    const uint64_t hash = PageHash(frame.page, sample.frames[i].page);
    ASSERT_TRUE(writer->AddEncodedFrame(frame, payload, hash).ok());
  }
  for (const CommitEntry& commit : sample.commits) ASSERT_TRUE(writer->AddCommit(commit).ok());
  ASSERT_TRUE(writer->Finish().ok());
  ExpectReadsBack(sink.bytes(), sample);
}

TEST(SegmentTest, LiveLogHasNoFooter) {
  SampleOptions options;
  options.state = SegmentState::kCurrent;
  const auto reader = OpenBytes(WriteLog(MakeSample(options)));
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kFailedPrecondition) << reader.status();
}

TEST(SegmentTest, FooterOfAnEarlierLifeIsNotBelieved) {
  SampleOptions options;
  options.state = SegmentState::kCurrent;
  std::vector<uint8_t> bytes = WriteSealedLog(MakeSample(options));
  SegmentHeader header = DecodeSegmentHeader(bytes).value();
  header.salt ^= 1;
  EncodeSegmentHeader(header, bytes.data());
  EXPECT_EQ(OpenBytes(bytes).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SegmentTest, CompactedSegmentMayBeEmpty) {
  SampleOptions options;
  options.state = SegmentState::kCompacted;
  Sample sample = MakeSample(options);
  sample.frames.clear();
  ExpectReadsBack(WriteStored(sample, Codec::kRaw), sample);
}

}  // namespace
}  // namespace strata::segment
