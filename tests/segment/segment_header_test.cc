#include "segment/segment_header.h"

#include <vector>

#include "gtest/gtest.h"
#include "io/checksum.h"

namespace strata::segment {
namespace {

SegmentHeader FullHeader() {
  SegmentHeader header;
  header.state = SegmentState::kCompacted;
  header.page_size = 4096;
  header.log_id.bytes.fill(0x11);
  header.parent_log_id.bytes.fill(0x22);
  header.parent_frame = FrameNo(33);
  header.sequence = 44;
  header.salt = 0x5555555555555555;
  header.created_us = 66;
  header.codecs = 0b11;
  header.dictionaries = {{{7, 70}, {8, 80}, {9, 90}, {10, uint64_t{1} << 63}}};
  header.digest_kind = DigestKind::kXorXxh3;
  header.digest_key_id = 12;
  header.encryption_key_id = 13;
  header.nonce_length = 14;
  header.tag_length = 15;
  header.may_ignore_flags = 0x80000001;
  header.epoch = Epoch(16);
  header.first_frame = FrameNo(17);
  header.last_frame = FrameNo(18);
  header.level = 19;
  return header;
}

std::vector<uint8_t> Encode(const SegmentHeader& header) {
  std::vector<uint8_t> bytes(kSegmentHeaderSize);
  EncodeSegmentHeader(header, bytes.data());
  return bytes;
}

// `bytes` after a change that a writer with right checksums might have made.
std::vector<uint8_t> WithByte(std::vector<uint8_t> bytes, size_t at, uint8_t value) {
  bytes[at] = value;
  const uint32_t checksum = io::Crc32c(0, io::ByteView(bytes.data(), kSegmentHeaderSize - 4));
  io::StoreLittleEndian<uint32_t>(bytes.data() + kSegmentHeaderSize - 4, checksum);
  return bytes;
}

TEST(SegmentHeaderTest, EveryFieldReadsBack) {
  const SegmentHeader header = FullHeader();
  const auto read = DecodeSegmentHeader(Encode(header));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(Encode(*read), Encode(header));
  EXPECT_EQ(read->state, header.state);
  EXPECT_EQ(read->page_size, header.page_size);
  EXPECT_EQ(read->log_id, header.log_id);
  EXPECT_EQ(read->parent_log_id, header.parent_log_id);
  EXPECT_EQ(read->parent_frame, header.parent_frame);
  EXPECT_EQ(read->sequence, header.sequence);
  EXPECT_EQ(read->salt, header.salt);
  EXPECT_EQ(read->created_us, header.created_us);
  EXPECT_EQ(read->codecs, header.codecs);
  EXPECT_EQ(read->dictionaries, header.dictionaries);
  EXPECT_EQ(read->digest_kind, header.digest_kind);
  EXPECT_EQ(read->digest_key_id, header.digest_key_id);
  EXPECT_EQ(read->encryption_key_id, header.encryption_key_id);
  EXPECT_EQ(read->nonce_length, header.nonce_length);
  EXPECT_EQ(read->tag_length, header.tag_length);
  EXPECT_EQ(read->may_ignore_flags, header.may_ignore_flags);
  EXPECT_EQ(read->epoch, header.epoch);
  EXPECT_EQ(read->first_frame, header.first_frame);
  EXPECT_EQ(read->last_frame, header.last_frame);
  EXPECT_EQ(read->level, header.level);
}

TEST(SegmentHeaderTest, EveryFlippedByteIsDamage) {
  std::vector<uint8_t> bytes = Encode(FullHeader());
  for (size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 0x10;
    EXPECT_EQ(DecodeSegmentHeader(bytes).status().code(), absl::StatusCode::kDataLoss) << at;
    bytes[at] ^= 0x10;
  }
}

TEST(SegmentHeaderTest, ShortHeaderIsDamage) {
  const std::vector<uint8_t> bytes = Encode(FullHeader());
  for (size_t length : {size_t{0}, size_t{8}, size_t{kSegmentHeaderSize - 1}}) {
    const auto read = DecodeSegmentHeader(io::ByteView(bytes.data(), length));
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(SegmentHeaderTest, LaterFormatIsUnimplementedAndNotDamage) {
  const std::vector<uint8_t> good = Encode(FullHeader());
  for (const auto& later : {WithByte(good, 8, 2), WithByte(good, 132, 2), WithByte(good, 14, 2)}) {
    EXPECT_EQ(DecodeSegmentHeader(later).status().code(), absl::StatusCode::kUnimplemented);
  }
}

TEST(SegmentHeaderTest, UnknownMayIgnoreFlagsAreIgnored) {
  EXPECT_TRUE(DecodeSegmentHeader(WithByte(Encode(FullHeader()), 129, 0xFF)).ok());
}

TEST(SegmentHeaderTest, ImpossibleValuesAreInvalid) {
  const std::vector<uint8_t> good = Encode(FullHeader());
  for (const auto& bad : {WithByte(good, 21, 0), WithByte(good, 20, 1), WithByte(good, 12, 0),
                          WithByte(good, 12, 4)}) {
    EXPECT_EQ(DecodeSegmentHeader(bad).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace strata::segment
