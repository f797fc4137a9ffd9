#include "segment/record_scanner.h"

#include "gtest/gtest.h"
#include "io/memory_stream.h"
#include "tests/segment/segment_samples.h"

namespace strata::segment {
namespace {

class RecordScannerTest : public testing::Test {
 protected:
  RecordScannerTest() {
    SampleOptions options;
    options.state = SegmentState::kCurrent;
    options.frames = 10;
    sample_ = MakeSample(options);
    log_ = WriteLog(sample_);
    seed_ = RecordSeed(sample_.header.salt, sample_.header.log_id);
  }

  // Offset of record `i` of the sample's log.
  static uint64_t OffsetOf(uint64_t i) {
    return kSegmentHeaderSize + i * (kRecordHeaderSize + 512);
  }

  struct Scan {
    std::vector<RecordKind> kinds;
    uint64_t stopped = 0;
    std::optional<uint64_t> later;  // offset of an intact record behind
  };
  Scan ScanAll(std::vector<uint8_t> bytes) {
    io::MemorySource source(std::move(bytes));
    RecordScanner scanner(&source, seed_);
    Scan scan;
    while (true) {
      const auto record = scanner.Next();
      EXPECT_TRUE(record.ok()) << record.status();
      if (!record.ok() || !record->has_value()) break;
      scan.kinds.push_back((*record)->header.kind);
    }
    scan.stopped = scanner.offset();
    const auto later = scanner.FindIntactRecordAfter(scan.stopped);
    EXPECT_TRUE(later.ok()) << later.status();
    if (later.ok() && later->has_value()) scan.later = (*later)->offset;
    return scan;
  }

  Sample sample_;
  std::vector<uint8_t> log_;
  uint32_t seed_ = 0;
};

TEST_F(RecordScannerTest, EveryRecordComesInOrder) {
  io::MemorySource source(log_);
  RecordScanner scanner(&source, seed_);
  for (size_t i = 0; i < sample_.frames.size(); ++i) {
    const auto record = scanner.Next();
    ASSERT_TRUE(record.ok() && record->has_value());
    EXPECT_EQ((*record)->offset, OffsetOf(i));
    EXPECT_EQ((*record)->header.frame, sample_.frames[i].header.frame);
    EXPECT_EQ(std::vector<uint8_t>((*record)->payload.begin(), (*record)->payload.end()),
              sample_.frames[i].page);
  }
  const Scan scan = ScanAll(log_);
  ASSERT_EQ(scan.kinds.size(), sample_.frames.size() + 2);
  EXPECT_EQ(scan.kinds[10], RecordKind::kPadding);
  EXPECT_EQ(scan.kinds[11], RecordKind::kMark);
  EXPECT_EQ(scan.stopped, log_.size());
  EXPECT_FALSE(scan.later.has_value());
}

TEST_F(RecordScannerTest, EveryTruncationEndsAtTheLastWholeRecord) {
  for (size_t length = kSegmentHeaderSize; length < OffsetOf(10); ++length) {
    std::vector<uint8_t> cut = log_;
    cut.resize(length);
    const Scan scan = ScanAll(std::move(cut));
    const uint64_t whole = (length - kSegmentHeaderSize) / (kRecordHeaderSize + 512);
    ASSERT_EQ(scan.kinds.size(), whole) << length;
    ASSERT_EQ(scan.stopped, OffsetOf(whole));
    ASSERT_FALSE(scan.later.has_value());
  }
}

TEST_F(RecordScannerTest, DamageIsToldFromATornTailByALaterIntactRecord) {
  for (size_t at = OffsetOf(3); at < OffsetOf(4); ++at) {
    std::vector<uint8_t> bytes = log_;
    bytes[at] ^= 4;
    const Scan scan = ScanAll(std::move(bytes));
    ASSERT_EQ(scan.kinds.size(), 3u) << at;
    ASSERT_EQ(scan.stopped, OffsetOf(3));
    ASSERT_EQ(scan.later, OffsetOf(4));
  }
}

TEST_F(RecordScannerTest, RecordsOfAnotherLifeAreNotFound) {
  ++seed_;
  const Scan scan = ScanAll(log_);
  EXPECT_TRUE(scan.kinds.empty());
  EXPECT_FALSE(scan.later.has_value());
}

TEST_F(RecordScannerTest, RecordsAcrossReadBoundariesComeWhole) {
  SampleOptions options;
  options.state = SegmentState::kCurrent;
  options.page_size = kMaxPageSize;
  options.frames = 40;
  const Sample sample = MakeSample(options);
  seed_ = RecordSeed(sample.header.salt, sample.header.log_id);
  EXPECT_EQ(ScanAll(WriteLog(sample)).kinds.size(), 42u);
}

TEST_F(RecordScannerTest, RecordsThatAreTooLongAreNotLookedFor) {
  io::MemorySource source(log_);
  RecordScanner scanner(&source, seed_);
  EXPECT_EQ(scanner.FindIntactRecordAfter(OffsetOf(3), 512).value()->offset, OffsetOf(3));
  EXPECT_GT(scanner.FindIntactRecordAfter(OffsetOf(3), 511).value()->offset, OffsetOf(9));
}

TEST_F(RecordScannerTest, StopSaysWhatWasFound) {
  io::MemorySource source(std::vector<uint8_t>(log_.begin(), log_.begin() + OffsetOf(1) - 1));
  RecordScanner scanner(&source, seed_);
  ASSERT_FALSE(scanner.Next().value().has_value());
  EXPECT_EQ(scanner.stopped_at(), "a record of 576 bytes cut off after 575");
  EXPECT_FALSE(scanner.Next().value().has_value());
}

}  // namespace
}  // namespace strata::segment
