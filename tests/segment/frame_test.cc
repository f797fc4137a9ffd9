#include "segment/frame.h"

#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "io/checksum.h"

namespace strata::segment {
namespace {

constexpr uint32_t kSeed = 0xC0FFEE;

FrameHeader CommitHeader(uint32_t stored_length) {
  FrameHeader header;
  header.is_commit = true;
  header.codec = Codec::kZstd;
  header.frame = FrameNo(0x1122334455667788);
  header.page = PageNo(0x99AABBCC);
  header.stored_length = stored_length;
  header.dictionary_id = 0x0A0B0C0D;
  header.database_pages = 0xDDEEFF00;
  header.transaction_checksum = 0x12345678;
  header.commit_time_us = 0x0102030405060708;
  header.durable = FrameNo(0x1112131415161718);
  header.transaction_first = FrameNo(0x2122232425262728);
  return header;
}

struct Encoded {
  std::vector<uint8_t> header = std::vector<uint8_t>(kRecordHeaderSize);
  std::vector<uint8_t> payload;
  uint32_t checksum = 0;
};

Encoded Encode(const FrameHeader& header) {
  Encoded encoded;
  encoded.payload.assign(header.stored_length, 0x37);
  encoded.checksum = EncodeRecordHeader(header, encoded.payload, kSeed, encoded.header.data());
  return encoded;
}

TEST(FrameTest, HeaderReadsBack) {
  const FrameHeader header = CommitHeader(100);
  const Encoded encoded = Encode(header);
  const auto decoded = DecodeRecordHeader(encoded.header.data());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->kind, header.kind);
  EXPECT_EQ(decoded->is_commit, header.is_commit);
  EXPECT_EQ(decoded->codec, header.codec);
  EXPECT_EQ(decoded->frame, header.frame);
  EXPECT_EQ(decoded->page, header.page);
  EXPECT_EQ(decoded->stored_length, header.stored_length);
  EXPECT_EQ(decoded->dictionary_id, header.dictionary_id);
  EXPECT_EQ(decoded->checksum, encoded.checksum);
  EXPECT_EQ(decoded->database_pages, header.database_pages);
  EXPECT_EQ(decoded->transaction_checksum, header.transaction_checksum);
  EXPECT_EQ(decoded->commit_time_us, header.commit_time_us);
  EXPECT_EQ(decoded->transaction_first, header.transaction_first);
  EXPECT_EQ(decoded->durable, header.durable);
}

TEST(FrameTest, HeaderBytesArePinned) {
  const Encoded encoded = Encode(CommitHeader(100));
  const std::vector<uint8_t> expected = {
      0x01, 0x01, 0x01, 0x5A, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xCC, 0xBB, 0xAA,
      0x99, 0x64, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xEE, 0xDD, 0x78, 0x56, 0x34, 0x12, 0x08, 0x07,
      0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x28,
      0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, 0x0D, 0x0C, 0x0B, 0x0A, 0x00, 0x00, 0x00, 0x00};
  EXPECT_EQ(std::vector<uint8_t>(encoded.header.begin() + 4, encoded.header.end()), expected);
  EXPECT_EQ(io::LoadLittleEndian<uint32_t>(encoded.header.data()), encoded.checksum);
}

TEST(FrameTest, EveryFlippedBitBreaksTheChecksum) {
  Encoded encoded = Encode(CommitHeader(100));
  ASSERT_TRUE(RecordIsIntact(encoded.header.data(), encoded.payload, kSeed));
  for (std::vector<uint8_t>* part : {&encoded.header, &encoded.payload}) {
    for (size_t bit = 0; bit < part->size() * 8; ++bit) {
      (*part)[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_FALSE(RecordIsIntact(encoded.header.data(), encoded.payload, kSeed)) << bit;
      (*part)[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
  }
}

TEST(FrameTest, RecordOfAnotherFileOrLifeIsNotIntact) {
  LogId id;
  id.bytes[0] = 1;
  LogId other = id;
  other.bytes[15] = 1;
  EXPECT_NE(RecordSeed(1, id), RecordSeed(2, id));
  EXPECT_NE(RecordSeed(1, id), RecordSeed(1, other));
  const Encoded encoded = Encode(CommitHeader(100));
  EXPECT_FALSE(RecordIsIntact(encoded.header.data(), encoded.payload, kSeed + 1));
}

TEST(FrameTest, ImpossibleHeadersAreNoRecords) {
  const Encoded good = Encode(CommitHeader(100));
  struct Change {
    const char* rule;
    size_t at;
    std::vector<uint8_t> bytes;
  };
  const std::vector<Change> changes = {
      {"kind 0", 4, {0}},
      {"kind 4", 4, {4}},
      {"unknown flag", 5, {3}},
      {"unknown codec", 6, {5}},
      {"magic", 7, {0x5B}},
      {"frame 0", 8, {0, 0, 0, 0, 0, 0, 0, 0}},
      {"page 0 of a frame", 16, {0, 0, 0, 0}},
      {"length over 65536", 20, {1, 0, 1, 0}},
      {"reserved", 60, {1}},
      {"mark with page and commit flag", 4, {2}},
  };
  for (const Change& change : changes) {
    std::vector<uint8_t> bytes = good.header;
    std::memcpy(bytes.data() + change.at, change.bytes.data(), change.bytes.size());
    EXPECT_EQ(DecodeRecordHeader(bytes.data()).status().code(), absl::StatusCode::kOutOfRange)
        << change.rule;
  }
}

TEST(FrameTest, MarkOfAnotherLengthIsNoRecord) {
  FrameHeader mark;
  mark.kind = RecordKind::kMark;
  mark.stored_length = kMarkPayloadSize;
  EXPECT_TRUE(DecodeRecordHeader(Encode(mark).header.data()).ok());
  mark.stored_length = kMarkPayloadSize + 64;
  EXPECT_FALSE(DecodeRecordHeader(Encode(mark).header.data()).ok());
}

TEST(FrameTest, PaddingHasAnyLengthUpToAPage) {
  FrameHeader padding;
  padding.kind = RecordKind::kPadding;
  for (uint32_t length : {0u, 64u, 4032u, kMaxPageSize}) {
    padding.stored_length = length;
    EXPECT_TRUE(DecodeRecordHeader(Encode(padding).header.data()).ok()) << length;
  }
}

TEST(FrameTest, TransactionChecksumIsCrcOfChecksumsInOrder) {
  const uint8_t bytes[] = {1, 0, 0, 0, 2, 0, 0, 0};
  const uint32_t folded = FoldTransactionChecksum(FoldTransactionChecksum(0, 1), 2);
  EXPECT_EQ(folded, io::Crc32c(0, bytes));
  EXPECT_NE(folded, FoldTransactionChecksum(FoldTransactionChecksum(0, 2), 1));
}

TEST(FrameTest, MarkReadsBack) {
  MarkRecord mark;
  mark.checkpointed = FrameNo(0x0102030405060708);
  mark.sealed = FrameNo(0x1112131415161718);
  mark.sealed_digest = 0x2122232425262728;
  mark.shipped = FrameNo(0x3132333435363738);
  mark.database_pages = 0x41424344;
  mark.commit_time_us = 0x5152535455565758;
  uint8_t bytes[kMarkPayloadSize];
  EncodeMark(mark, bytes);
  const MarkRecord read = DecodeMark(bytes);
  EXPECT_EQ(read.checkpointed, mark.checkpointed);
  EXPECT_EQ(read.sealed, mark.sealed);
  EXPECT_EQ(read.sealed_digest, mark.sealed_digest);
  EXPECT_EQ(read.shipped, mark.shipped);
  EXPECT_EQ(read.database_pages, mark.database_pages);
  EXPECT_EQ(read.commit_time_us, mark.commit_time_us);
  EXPECT_EQ(bytes[0], 1);
}

}  // namespace
}  // namespace strata::segment
