#include "segment/frame.h"

#include "absl/strings/str_cat.h"
#include "io/checksum.h"

// Format: docs/segment_format.md, "Records"; constants in segment/frame.h.
namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr uint8_t kFlagCommit = 1;
constexpr uint8_t kMarkVersion = 1;
constexpr uint8_t kHighestCodec = static_cast<uint8_t>(Codec::kColumnar);

// Places of the fields in a record header.
constexpr size_t kChecksumAt = 0;
constexpr size_t kKindAt = 4;
constexpr size_t kFlagsAt = 5;
constexpr size_t kCodecAt = 6;
constexpr size_t kFrameAt = 8;
constexpr size_t kPageAt = 16;
constexpr size_t kStoredLengthAt = 20;
constexpr size_t kDatabasePagesAt = 24;
constexpr size_t kTransactionChecksumAt = 28;
constexpr size_t kCommitTimeAt = 32;
constexpr size_t kDurableAt = 40;
constexpr size_t kTransactionFirstAt = 48;
constexpr size_t kDictionaryAt = 56;
constexpr size_t kReservedAt = 60;

// Places of the fields in a mark's payload; the rest is zero.
constexpr size_t kMarkVersionAt = 0;
constexpr size_t kMarkCheckpointedAt = 8;
constexpr size_t kMarkSealedAt = 16;
constexpr size_t kMarkSealedDigestAt = 24;
constexpr size_t kMarkShippedAt = 32;
constexpr size_t kMarkDatabasePagesAt = 40;
constexpr size_t kMarkCommitTimeAt = 48;

uint32_t RecordChecksum(const uint8_t* header, io::ByteView payload, uint32_t seed) {
  const uint32_t of_header =
      io::Crc32c(seed, io::ByteView(header + kKindAt, kRecordHeaderSize - kKindAt));
  return io::Crc32c(of_header, payload);
}

absl::Status NotARecord(absl::string_view field, uint64_t found) {
  return absl::OutOfRangeError(absl::StrCat("not a record: ", field, " is ", found));
}

absl::Status CheckShape(const FrameHeader& header) {
  if (header.stored_length > kMaxPageSize) return NotARecord("length", header.stored_length);
  const bool is_frame = header.kind == RecordKind::kFrame;
  if (is_frame != (header.page.value() != 0)) return NotARecord("page", header.page.value());
  if (is_frame && header.frame.value() == 0) return NotARecord("frame", 0);
  if (!is_frame && header.is_commit) return NotARecord("commit flag of a mark or padding", 1);
  if (header.kind == RecordKind::kMark && header.stored_length != kMarkPayloadSize) {
    return NotARecord("length of a mark", header.stored_length);
  }
  return absl::OkStatus();
}

}  // namespace

uint32_t RecordSeed(uint64_t salt, const LogId& log_id) {
  uint8_t bytes[24];
  StoreLittleEndian<uint64_t>(bytes, salt);
  std::memcpy(bytes + 8, log_id.bytes.data(), log_id.bytes.size());
  return io::Crc32c(0, bytes);
}

uint32_t EncodeRecordHeader(const FrameHeader& header, io::ByteView payload, uint32_t seed,
                            uint8_t* to) {
  to[kKindAt] = static_cast<uint8_t>(header.kind);
  to[kFlagsAt] = header.is_commit ? kFlagCommit : 0;
  to[kCodecAt] = static_cast<uint8_t>(header.codec);
  to[kRecordMagicAt] = kRecordMagic;
  StoreLittleEndian<uint64_t>(to + kFrameAt, header.frame.value());
  StoreLittleEndian<uint32_t>(to + kPageAt, header.page.value());
  StoreLittleEndian<uint32_t>(to + kStoredLengthAt, header.stored_length);
  StoreLittleEndian<uint32_t>(to + kDatabasePagesAt, header.database_pages);
  StoreLittleEndian<uint32_t>(to + kTransactionChecksumAt, header.transaction_checksum);
  StoreLittleEndian<uint64_t>(to + kCommitTimeAt, static_cast<uint64_t>(header.commit_time_us));
  StoreLittleEndian<uint64_t>(to + kDurableAt, header.durable.value());
  StoreLittleEndian<uint64_t>(to + kTransactionFirstAt, header.transaction_first.value());
  StoreLittleEndian<uint32_t>(to + kDictionaryAt, header.dictionary_id);
  StoreLittleEndian<uint32_t>(to + kReservedAt, 0);
  const uint32_t checksum = RecordChecksum(to, payload, seed);
  StoreLittleEndian<uint32_t>(to + kChecksumAt, checksum);
  return checksum;
}

absl::StatusOr<FrameHeader> DecodeRecordHeader(const uint8_t* from) {
  if (from[kRecordMagicAt] != kRecordMagic) return NotARecord("magic byte", from[kRecordMagicAt]);
  if (from[kKindAt] < 1 || from[kKindAt] > 3) return NotARecord("kind", from[kKindAt]);
  if ((from[kFlagsAt] & ~kFlagCommit) != 0) return NotARecord("flags", from[kFlagsAt]);
  if (from[kCodecAt] > kHighestCodec) return NotARecord("codec", from[kCodecAt]);
  const uint32_t reserved = LoadLittleEndian<uint32_t>(from + kReservedAt);
  if (reserved != 0) return NotARecord("reserved field", reserved);

  FrameHeader header;
  header.kind = static_cast<RecordKind>(from[kKindAt]);
  header.is_commit = from[kFlagsAt] != 0;
  header.codec = static_cast<Codec>(from[kCodecAt]);
  header.frame = FrameNo(LoadLittleEndian<uint64_t>(from + kFrameAt));
  header.page = PageNo(LoadLittleEndian<uint32_t>(from + kPageAt));
  header.stored_length = LoadLittleEndian<uint32_t>(from + kStoredLengthAt);
  header.dictionary_id = LoadLittleEndian<uint32_t>(from + kDictionaryAt);
  header.checksum = LoadLittleEndian<uint32_t>(from + kChecksumAt);
  header.database_pages = LoadLittleEndian<uint32_t>(from + kDatabasePagesAt);
  header.transaction_checksum = LoadLittleEndian<uint32_t>(from + kTransactionChecksumAt);
  header.commit_time_us = static_cast<int64_t>(LoadLittleEndian<uint64_t>(from + kCommitTimeAt));
  header.transaction_first = FrameNo(LoadLittleEndian<uint64_t>(from + kTransactionFirstAt));
  header.durable = FrameNo(LoadLittleEndian<uint64_t>(from + kDurableAt));
  if (absl::Status shape = CheckShape(header); !shape.ok()) return shape;
  return header;
}

bool RecordIsIntact(const uint8_t* from, io::ByteView payload, uint32_t seed) {
  return LoadLittleEndian<uint32_t>(from + kChecksumAt) == RecordChecksum(from, payload, seed);
}

uint32_t FoldTransactionChecksum(uint32_t folded, uint32_t frame_checksum) {
  uint8_t bytes[4];
  StoreLittleEndian<uint32_t>(bytes, frame_checksum);
  return io::Crc32c(folded, bytes);
}

void EncodeMark(const MarkRecord& mark, uint8_t* to) {
  std::memset(to, 0, kMarkPayloadSize);
  to[kMarkVersionAt] = kMarkVersion;
  StoreLittleEndian<uint64_t>(to + kMarkCheckpointedAt, mark.checkpointed.value());
  StoreLittleEndian<uint64_t>(to + kMarkSealedAt, mark.sealed.value());
  StoreLittleEndian<uint64_t>(to + kMarkSealedDigestAt, mark.sealed_digest);
  StoreLittleEndian<uint64_t>(to + kMarkShippedAt, mark.shipped.value());
  StoreLittleEndian<uint32_t>(to + kMarkDatabasePagesAt, mark.database_pages);
  StoreLittleEndian<uint64_t>(to + kMarkCommitTimeAt, static_cast<uint64_t>(mark.commit_time_us));
}

MarkRecord DecodeMark(const uint8_t* from) {
  MarkRecord mark;
  mark.checkpointed = FrameNo(LoadLittleEndian<uint64_t>(from + kMarkCheckpointedAt));
  mark.sealed = FrameNo(LoadLittleEndian<uint64_t>(from + kMarkSealedAt));
  mark.sealed_digest = LoadLittleEndian<uint64_t>(from + kMarkSealedDigestAt);
  mark.shipped = FrameNo(LoadLittleEndian<uint64_t>(from + kMarkShippedAt));
  mark.database_pages = LoadLittleEndian<uint32_t>(from + kMarkDatabasePagesAt);
  mark.commit_time_us = static_cast<int64_t>(LoadLittleEndian<uint64_t>(from + kMarkCommitTimeAt));
  return mark;
}

}  // namespace strata::segment
