#include "wal/current_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
#include "io/checksum.h"
#include "tests/support/disk_helpers.h"
#include "tests/wal/log_world.h"
#include "wal/identity.h"
#include "wal/recovery_scan.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::kSegmentHeaderSize;
using segment::PageNo;
using testing::HasSubstr;

constexpr size_t kStride = segment::kRecordHeaderSize + kPageSize;

class CurrentSegmentTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.CreateDirectory("/log").ok());
    header_.page_size = kPageSize;
    header_.log_id.bytes[0] = 1;
    header_.sequence = 7;
    header_.salt = 42;
    auto created = CurrentSegment::Create(disk_, "/log", header_, {});
    ASSERT_TRUE(created.ok()) << created.status();
    segment_ = *std::move(created);
    ASSERT_TRUE(segment_->Publish(disk_, "/log").ok());
  }

  // Appends pages 1, 2, … with these versions.
  absl::Status Append(uint64_t first, const std::vector<uint64_t>& versions, bool commit) {
    std::vector<std::vector<uint8_t>> bytes;
    std::vector<PageRef> pages;
    for (size_t i = 0; i < versions.size(); ++i)
      bytes.push_back(PageBytes(static_cast<uint32_t>(i + 1), versions[i]));
    for (size_t i = 0; i < versions.size(); ++i)
      pages.push_back({PageNo(static_cast<uint32_t>(i + 1)), bytes[i].data()});
    const CommitMark mark{9, 1'000, FrameNo(0)};
    return segment_->AppendFrames(FrameNo(first), pages, commit ? &mark : nullptr);
  }

  uint64_t Version(uint64_t frame, uint32_t page) {
    std::vector<uint8_t> bytes(kPageSize);
    const auto header = segment_->ReadFrame(FrameNo(frame), absl::MakeSpan(bytes));
    EXPECT_TRUE(header.ok()) << header.status();
    return VersionOf(page, bytes);
  }

  FileScan Scan() {
    Identity identity;
    identity.log_id = header_.log_id;
    identity.page_size = kPageSize;
    auto scan = ScanLogFile(disk_, "/log/0000000007.log", 7, identity);
    EXPECT_TRUE(scan.ok()) << scan.status();
    return *scan;
  }

  support::SimulatedDisk disk_;
  segment::SegmentHeader header_;
  std::shared_ptr<CurrentSegment> segment_;
};

TEST_F(CurrentSegmentTest, FileWhoseSyncFailedIsNotUsedAgain) {
  ASSERT_TRUE(Append(1, {5}, true).ok());
  EXPECT_FALSE(segment_->Used("/log/x.tmp").has_value());  // not synced yet
  const uint64_t begun = segment_->BeginSync();
  ASSERT_TRUE(segment_->Sync().ok());
  segment_->FinishSync(begun);
  EXPECT_TRUE(segment_->Used("/log/x.tmp").has_value());
  segment_->GiveUp();
  EXPECT_FALSE(segment_->Used("/log/x.tmp").has_value());
}

TEST_F(CurrentSegmentTest, FramesReadBack) {
  ASSERT_TRUE(Append(3, {5, 6, 7}, true).ok());
  EXPECT_EQ(segment_->first_frame(), FrameNo(3));
  EXPECT_EQ(segment_->last_commit(), FrameNo(5));
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(Version(3 + i, i + 1), 5 + i);
  EXPECT_EQ(segment_->end_offset(), kSegmentHeaderSize + 3 * kStride);
}

TEST_F(CurrentSegmentTest, LongTransactionsGoInSeveralWrites) {
  std::vector<uint64_t> versions(1'100);
  for (size_t i = 0; i < versions.size(); ++i) versions[i] = i + 1;
  ASSERT_TRUE(Append(1, versions, true).ok());
  const FileScan scan = Scan();
  ASSERT_EQ(scan.commits.size(), 1u);
  EXPECT_EQ(scan.commits[0].point.frame, FrameNo(1'100));
  EXPECT_EQ(scan.tail, TailCase::kClean);
}

TEST_F(CurrentSegmentTest, AFailedAppendLeavesTheTransactionAsItWas) {
  ASSERT_TRUE(Append(1, {1}, true).ok());
  ASSERT_TRUE(Append(2, {2, 3}, false).ok());
  const uint64_t end = segment_->end_offset();
  disk_.FailOperation({.nth = 1, .calls = support::kWriteCall, .partial = true});
  EXPECT_FALSE(Append(4, std::vector<uint64_t>(600, 9), false).ok());
  EXPECT_EQ(segment_->end_offset(), end);
  EXPECT_EQ(segment_->open_frames(), 2u);
  ASSERT_TRUE(Append(4, {4}, true).ok());
  EXPECT_EQ(Scan().commits.back().point.frame, FrameNo(4));
}

TEST_F(CurrentSegmentTest, OverwrittenFramesKeepTheTransactionWhole) {
  ASSERT_TRUE(Append(1, {1, 2}, false).ok());
  const std::vector<uint8_t> page = PageBytes(1, 8);
  ASSERT_TRUE(segment_->OverwriteFrame(FrameNo(1), {PageNo(1), page.data()}).ok());
  ASSERT_TRUE(Append(3, {3}, true).ok());
  EXPECT_EQ(Version(1, 1), 8u);
  ASSERT_EQ(Scan().commits.size(), 1u);
}

TEST_F(CurrentSegmentTest, AbandonedFramesAreOverwritten) {
  ASSERT_TRUE(Append(1, {1}, true).ok());
  ASSERT_TRUE(Append(2, {50, 51, 52}, false).ok());
  segment_->Abandon(FrameNo(2));
  EXPECT_EQ(segment_->open_frames(), 1u);
  segment_->Abandon(FrameNo(1));
  EXPECT_EQ(segment_->open_first(), FrameNo(0));
  ASSERT_TRUE(Append(2, {60}, true).ok());
  EXPECT_EQ(Version(2, 1), 60u);
  const FileScan scan = Scan();
  EXPECT_EQ(scan.commits.back().point.frame, FrameNo(2));
  EXPECT_EQ(scan.pages.size(), 4u) << "frames 3 and 4 are stale, open and in order";
  EXPECT_EQ(scan.tail, TailCase::kOpen);
}

TEST_F(CurrentSegmentTest, FramesBehindAMarkAreFound) {
  ASSERT_TRUE(Append(1, {1, 2}, true).ok());
  segment::MarkRecord mark;
  mark.checkpointed = FrameNo(1);
  mark.database_pages = 4;
  ASSERT_TRUE(segment_->AppendMark(FrameNo(2), FrameNo(2), mark).ok());
  ASSERT_TRUE(Append(3, {3}, true).ok());
  EXPECT_EQ(Version(3, 1), 3u);
  const FileScan scan = Scan();
  ASSERT_EQ(scan.marks.size(), 1u);
  EXPECT_EQ(scan.marks[0].record.database_pages, 4u);
  EXPECT_EQ(scan.durable, FrameNo(2));
  EXPECT_EQ(scan.runs.size(), 2u);
}

TEST_F(CurrentSegmentTest, RecoveredFramesReadBack) {
  ASSERT_TRUE(Append(1, {1, 2}, true).ok());
  ASSERT_TRUE(segment_->AppendMark(FrameNo(2), FrameNo(2), {}).ok());
  ASSERT_TRUE(Append(3, {3, 4}, true).ok());
  const FileScan scan = Scan();
  auto file = disk_.Open("/log/0000000007.log", io::OpenMode::kReadOnly);
  segment_ = CurrentSegment::Recovered(*std::move(file), scan.header, scan.runs, FrameNo(4),
                                       scan.stop_offset);
  EXPECT_EQ(Version(2, 2), 2u);
  EXPECT_EQ(Version(4, 2), 4u);
}

TEST_F(CurrentSegmentTest, ADamagedFrameNamesFileAndOffset) {
  ASSERT_TRUE(Append(1, {1, 2}, true).ok());
  auto file = disk_.Open("/log/0000000007.log", io::OpenMode::kReadWrite);
  ASSERT_TRUE(
      (*file)->Write(kSegmentHeaderSize + kStride + 100, std::vector<uint8_t>{1, 2, 3}).ok());
  std::vector<uint8_t> bytes(kPageSize);
  EXPECT_TRUE(segment_->ReadFrame(FrameNo(1), absl::MakeSpan(bytes)).ok());
  const absl::Status status = segment_->ReadFrame(FrameNo(2), absl::MakeSpan(bytes)).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("/log/0000000007.log"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("offset 4672"));
}

TEST_F(CurrentSegmentTest, AMisplacedFrameIsRefused) {
  ASSERT_TRUE(Append(1, {1, 1}, true).ok());
  auto bytes = support::ReadAll(disk_, "/log/0000000007.log");
  auto file = disk_.Open("/log/0000000007.log", io::OpenMode::kReadWrite);
  ASSERT_TRUE(
      (*file)
          ->Write(kSegmentHeaderSize + kStride, {bytes.data() + kSegmentHeaderSize, kStride})
          .ok());
  std::vector<uint8_t> page(kPageSize);
  const absl::Status status = segment_->ReadFrame(FrameNo(2), absl::MakeSpan(page)).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("holds frame 1, expected 2"));
}

TEST_F(CurrentSegmentTest, OneFailedReadIsTriedAgain) {
  ASSERT_TRUE(Append(1, {1}, true).ok());
  disk_.FailOperation({.calls = support::kReadCall});
  EXPECT_EQ(Version(1, 1), 1u);
  disk_.FailOperation({.calls = support::kReadCall, .for_ever = true});
  std::vector<uint8_t> page(kPageSize);
  EXPECT_TRUE(absl::IsInternal(segment_->ReadFrame(FrameNo(1), absl::MakeSpan(page)).status()));
}

TEST_F(CurrentSegmentTest, CopiesLiveUntilTheirSyncReturned) {
  ASSERT_TRUE(Append(1, {1}, true).ok());
  const uint64_t begun = segment_->BeginSync();
  ASSERT_TRUE(Append(2, {2}, true).ok());
  segment_->FinishSync(begun);
  EXPECT_EQ(segment_->unsynced_bytes(), kStride);
  EXPECT_TRUE(segment_->needs_sync());
  EXPECT_EQ(segment_->FirstDoubtfulByte(), kSegmentHeaderSize);  // the first block of frame 2
  segment_->DropUnsyncedCopies();
  EXPECT_EQ(segment_->unsynced_bytes(), 0u);
  EXPECT_TRUE(segment_->needs_sync());
  segment_->FinishSync(segment_->BeginSync());
  EXPECT_FALSE(segment_->needs_sync());
}

TEST(SegmentFileNameTest, RoundTrip) {
  for (uint64_t sequence : {1ull, 9'999'999'999ull, 10'000'000'000ull}) {
    EXPECT_EQ(ParseSegmentFileName(SegmentFileName(sequence)), sequence);
  }
  for (const char* name :
       {"", ".log", "1.log", "0000000001.log.tmp", "x000000001.log", "0000000000.log"}) {
    EXPECT_EQ(ParseSegmentFileName(name), 0u) << name;
  }
}

Identity SampleIdentity() {
  Identity identity;
  identity.log_id.bytes.fill(0xAB);
  identity.parent_log_id.bytes.fill(0x12);
  identity.parent_frame = FrameNo(77);
  identity.page_size = 4096;
  identity.base_frame = FrameNo(9);
  identity.created_us = -5;
  identity.store = "file:///a%20b=c";
  identity.name_space = "app.db";
  identity.epoch = segment::Epoch(3);
  identity.clean = CleanState{FrameNo(100), 12, 1'700, UINT64_MAX, 49'152, 8, 1, -1};
  return identity;
}

TEST(IdentityTest, RoundTrip) {
  for (bool clean : {false, true}) {
    Identity identity = SampleIdentity();
    if (!clean) identity.clean.reset();
    const std::string text = EncodeIdentity(identity);
    const auto decoded = DecodeIdentity("/id", text);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(EncodeIdentity(*decoded), text);
    EXPECT_EQ(decoded->clean.has_value(), clean);
    EXPECT_EQ(decoded->store, identity.store);
    EXPECT_EQ(decoded->epoch, identity.epoch);
  }
}

TEST(IdentityTest, EveryChangedByteAndEveryTruncationIsAnError) {
  const std::string text = EncodeIdentity(SampleIdentity());
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      ASSERT_TRUE(absl::IsDataLoss(DecodeIdentity("/id", changed).status())) << at;
    }
    ASSERT_TRUE(absl::IsDataLoss(DecodeIdentity("/id", text.substr(0, at)).status())) << at;
  }
}

TEST(IdentityTest, ALaterVersionIsRefusedAsSuch) {
  std::string text = EncodeIdentity(SampleIdentity());
  text = text.substr(0, text.rfind("crc32c="));
  text.replace(text.find("identity 1"), 10, "identity 2");
  const uint32_t checksum =
      io::Crc32c(0, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  text += absl::StrFormat("crc32c=%08x\n", checksum);
  const absl::Status status = DecodeIdentity("/id", text).status();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("/id"));
}

TEST(IdentityTest, AFailedWriteLeavesTheOldDocument) {
  support::SimulatedDisk disk;
  Identity identity = SampleIdentity();
  ASSERT_TRUE(WriteIdentity(disk, "/id", identity, {}).ok());
  identity.epoch = segment::Epoch(4);
  for (support::CallSet call :
       {support::kCreateCall, support::kWriteCall, support::kSyncCall, support::kRenameCall}) {
    disk.FailOperation({.calls = call});
    EXPECT_FALSE(WriteIdentity(disk, "/id", identity, {}).ok());
    disk.ClearFaults();
    const auto read = ReadIdentity(disk, "/id");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->epoch, segment::Epoch(3));
  }
  ASSERT_TRUE(WriteIdentity(disk, "/id", identity, {}).ok());
  EXPECT_EQ(ReadIdentity(disk, "/id")->epoch, segment::Epoch(4));
}

TEST(CurrentSegmentBegin, AFileThatCannotBeBegunLeavesNothing) {
  for (const support::CallSet call :
       {support::kWriteCall, support::kSyncCall, support::kRenameCall}) {
    support::SimulatedDisk disk;
    ASSERT_TRUE(disk.CreateDirectory("/log").ok());
    disk.FailOperation({.calls = call, .for_ever = true});
    for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
      segment::SegmentHeader header;
      header.page_size = 512;
      header.sequence = sequence;
      auto begun = CurrentSegment::Create(disk, "/log", header, {});
      EXPECT_FALSE(begun.ok() && (*begun)->Publish(disk, "/log").ok());
    }
    EXPECT_EQ(disk.faults_fired(), 3u);
    EXPECT_EQ(disk.List("/log")->size(), 0u);
  }
}

}  // namespace
}  // namespace strata::wal
