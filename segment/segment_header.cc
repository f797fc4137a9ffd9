#include "segment/segment_header.h"

#include "absl/strings/str_cat.h"
#include "io/checksum.h"

// Format: docs/segment_format.md, "Header"; constants in segment/segment_header.h.
namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr uint32_t kKnownMustKnowFlags = kDenseLayout;

constexpr size_t kMagicAt = 0;
constexpr size_t kVersionAt = 8;
constexpr size_t kStateAt = 12;
constexpr size_t kLevelAt = 13;
constexpr size_t kDigestKindAt = 14;
constexpr size_t kNonceLengthAt = 15;
constexpr size_t kTagLengthAt = 16;
constexpr size_t kPageSizeAt = 20;
constexpr size_t kLogIdAt = 24;
constexpr size_t kParentLogIdAt = 40;
constexpr size_t kParentFrameAt = 56;
constexpr size_t kSequenceAt = 64;
constexpr size_t kSaltAt = 72;
constexpr size_t kCreatedAt = 80;
constexpr size_t kCodecsAt = 88;
constexpr size_t kDictionariesAt = 96;
constexpr size_t kDigestKeyAt = 112;
constexpr size_t kEncryptionKeyAt = 120;
constexpr size_t kMayIgnoreAt = 128;
constexpr size_t kMustKnowAt = 132;
constexpr size_t kEpochAt = 136;
constexpr size_t kFirstFrameAt = 144;
constexpr size_t kLastFrameAt = 152;
constexpr size_t kDictionaryHashesAt = 160;
constexpr size_t kChecksumAt = kSegmentHeaderSize - 4;

uint32_t HeaderChecksum(const uint8_t* bytes) {
  return io::Crc32c(0, io::ByteView(bytes, kChecksumAt));
}

absl::Status CheckIntact(io::ByteView bytes) {
  if (bytes.size() < kSegmentHeaderSize) {
    return absl::DataLossError(absl::StrCat("segment header: expected ", kSegmentHeaderSize,
                                            " bytes, found ", bytes.size()));
  }
  const uint64_t magic = LoadLittleEndian<uint64_t>(bytes.data() + kMagicAt);
  if (magic != kSegmentMagic) {
    return absl::DataLossError(absl::StrCat("segment header at offset 0: expected magic ",
                                            absl::Hex(kSegmentMagic), ", found ",
                                            absl::Hex(magic)));
  }
  const uint32_t stored = LoadLittleEndian<uint32_t>(bytes.data() + kChecksumAt);
  const uint32_t computed = HeaderChecksum(bytes.data());
  if (stored != computed) {
    return absl::DataLossError(absl::StrCat("segment header at offset 0: expected checksum ",
                                            absl::Hex(stored), ", found ", absl::Hex(computed)));
  }
  return absl::OkStatus();
}

absl::Status CheckKnown(const uint8_t* from) {
  const uint32_t version = LoadLittleEndian<uint32_t>(from + kVersionAt);
  if (version != kFormatVersion) {
    return absl::UnimplementedError(absl::StrCat("segment header: expected format version ",
                                                 kFormatVersion, ", found ", version));
  }
  const uint32_t flags = LoadLittleEndian<uint32_t>(from + kMustKnowAt);
  if ((flags & ~kKnownMustKnowFlags) != 0) {
    return absl::UnimplementedError(absl::StrCat("segment header: expected must-know flags within ",
                                                 absl::Hex(kKnownMustKnowFlags), ", found ",
                                                 absl::Hex(flags)));
  }
  if (from[kDigestKindAt] > static_cast<uint8_t>(DigestKind::kXorXxh3)) {
    return absl::UnimplementedError(
        absl::StrCat("segment header: expected digest kind 0 or 1, found ", from[kDigestKindAt]));
  }
  return absl::OkStatus();
}

absl::Status CheckPossible(const uint8_t* from) {
  const uint32_t page_size = LoadLittleEndian<uint32_t>(from + kPageSizeAt);
  if (!IsValidPageSize(page_size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("segment header: expected a page size of 512 to 65536, found ", page_size));
  }
  if (from[kStateAt] < 1 || from[kStateAt] > 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("segment header: expected a state of 1 to 3, found ", from[kStateAt]));
  }
  return absl::OkStatus();
}

LogId LoadLogId(const uint8_t* from) {
  LogId id;
  std::memcpy(id.bytes.data(), from, id.bytes.size());
  return id;
}

void LoadStoredPart(const uint8_t* from, SegmentHeader* header) {
  header->epoch = Epoch(LoadLittleEndian<uint64_t>(from + kEpochAt));
  header->first_frame = FrameNo(LoadLittleEndian<uint64_t>(from + kFirstFrameAt));
  header->last_frame = FrameNo(LoadLittleEndian<uint64_t>(from + kLastFrameAt));
  header->level = from[kLevelAt];
}

void LoadKeysAndCodecs(const uint8_t* from, SegmentHeader* header) {
  header->codecs = LoadLittleEndian<uint32_t>(from + kCodecsAt);
  for (size_t i = 0; i < kDictionarySlots; ++i) {
    header->dictionaries[i] = {LoadLittleEndian<uint32_t>(from + kDictionariesAt + 4 * i),
                               LoadLittleEndian<uint64_t>(from + kDictionaryHashesAt + 8 * i)};
  }
  header->digest_kind = static_cast<DigestKind>(from[kDigestKindAt]);
  header->digest_key_id = LoadLittleEndian<uint64_t>(from + kDigestKeyAt);
  header->encryption_key_id = LoadLittleEndian<uint64_t>(from + kEncryptionKeyAt);
  header->nonce_length = from[kNonceLengthAt];
  header->tag_length = from[kTagLengthAt];
}

void StoreKeysAndCodecs(const SegmentHeader& header, uint8_t* to) {
  StoreLittleEndian<uint32_t>(to + kCodecsAt, header.codecs);
  for (size_t i = 0; i < kDictionarySlots; ++i) {
    StoreLittleEndian<uint32_t>(to + kDictionariesAt + 4 * i, header.dictionaries[i].id);
    StoreLittleEndian<uint64_t>(to + kDictionaryHashesAt + 8 * i, header.dictionaries[i].hash);
  }
  to[kDigestKindAt] = static_cast<uint8_t>(header.digest_kind);
  StoreLittleEndian<uint64_t>(to + kDigestKeyAt, header.digest_key_id);
  StoreLittleEndian<uint64_t>(to + kEncryptionKeyAt, header.encryption_key_id);
  to[kNonceLengthAt] = header.nonce_length;
  to[kTagLengthAt] = header.tag_length;
}

}  // namespace

void EncodeSegmentHeader(const SegmentHeader& header, uint8_t* to) {
  std::memset(to, 0, kSegmentHeaderSize);
  StoreLittleEndian<uint64_t>(to + kMagicAt, kSegmentMagic);
  StoreLittleEndian<uint32_t>(to + kVersionAt, kFormatVersion);
  to[kStateAt] = static_cast<uint8_t>(header.state);
  to[kLevelAt] = header.level;
  StoreLittleEndian<uint32_t>(to + kPageSizeAt, header.page_size);
  std::memcpy(to + kLogIdAt, header.log_id.bytes.data(), 16);
  std::memcpy(to + kParentLogIdAt, header.parent_log_id.bytes.data(), 16);
  StoreLittleEndian<uint64_t>(to + kParentFrameAt, header.parent_frame.value());
  StoreLittleEndian<uint64_t>(to + kSequenceAt, header.sequence);
  StoreLittleEndian<uint64_t>(to + kSaltAt, header.salt);
  StoreLittleEndian<uint64_t>(to + kCreatedAt, static_cast<uint64_t>(header.created_us));
  StoreKeysAndCodecs(header, to);
  StoreLittleEndian<uint32_t>(to + kMayIgnoreAt, header.may_ignore_flags);
  StoreLittleEndian<uint32_t>(to + kMustKnowAt, header.must_know_flags);
  StoreLittleEndian<uint64_t>(to + kEpochAt, header.epoch.value());
  StoreLittleEndian<uint64_t>(to + kFirstFrameAt, header.first_frame.value());
  StoreLittleEndian<uint64_t>(to + kLastFrameAt, header.last_frame.value());
  StoreLittleEndian<uint32_t>(to + kChecksumAt, HeaderChecksum(to));
}

absl::StatusOr<SegmentHeader> DecodeSegmentHeader(io::ByteView bytes) {
  if (absl::Status intact = CheckIntact(bytes); !intact.ok()) return intact;
  const uint8_t* from = bytes.data();
  if (absl::Status known = CheckKnown(from); !known.ok()) return known;
  if (absl::Status possible = CheckPossible(from); !possible.ok()) return possible;

  SegmentHeader header;
  header.state = static_cast<SegmentState>(from[kStateAt]);
  header.page_size = LoadLittleEndian<uint32_t>(from + kPageSizeAt);
  header.log_id = LoadLogId(from + kLogIdAt);
  header.parent_log_id = LoadLogId(from + kParentLogIdAt);
  header.parent_frame = FrameNo(LoadLittleEndian<uint64_t>(from + kParentFrameAt));
  header.sequence = LoadLittleEndian<uint64_t>(from + kSequenceAt);
  header.salt = LoadLittleEndian<uint64_t>(from + kSaltAt);
  header.created_us = static_cast<int64_t>(LoadLittleEndian<uint64_t>(from + kCreatedAt));
  header.may_ignore_flags = LoadLittleEndian<uint32_t>(from + kMayIgnoreAt);
  header.must_know_flags = LoadLittleEndian<uint32_t>(from + kMustKnowAt);
  LoadKeysAndCodecs(from, &header);
  LoadStoredPart(from, &header);
  return header;
}

}  // namespace strata::segment
