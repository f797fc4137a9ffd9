#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/frame_directory.h"
#include "segment/page_index_format.h"
#include "segment/segment_tail.h"

// Format: docs/segment_format.md, "Footer"; fields in segment/segment_tail.h.
namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr uint64_t kFooterMagic = 0x4C49415441525453;  // "STRATAIL", little-endian

constexpr size_t kMagicAt = 0;
constexpr size_t kVersionAt = 8;
constexpr size_t kStateAt = 12;
constexpr size_t kDigestKindAt = 13;
constexpr size_t kLogIdAt = 16;
constexpr size_t kSaltAt = 32;
constexpr size_t kPageSizeAt = 40;
constexpr size_t kRecordsChecksumAt = 44;
constexpr size_t kEpochAt = 48;
constexpr size_t kFirstFrameAt = 56;
constexpr size_t kLastFrameAt = 64;
constexpr size_t kNumbersAt = 72;  // twelve numbers of 64 bits, in the order of VisitNumbers
constexpr size_t kTailChecksumAt = 168;
constexpr size_t kChecksumAt = kFooterSize - 4;

uint32_t FooterChecksum(const uint8_t* bytes, uint64_t salt, const LogId& log_id) {
  return io::Crc32c(RecordSeed(salt, log_id), io::ByteView(bytes, kChecksumAt));
}

absl::Status Damaged(absl::string_view what, uint64_t expected, uint64_t found) {
  return absl::DataLossError(
      absl::StrCat("footer: ", what, ": expected ", expected, ", found ", found));
}

absl::Status CheckIntact(const uint8_t* from, const SegmentHeader& header) {
  const uint64_t magic = LoadLittleEndian<uint64_t>(from + kMagicAt);
  if (magic != kFooterMagic) {
    return absl::FailedPreconditionError(absl::StrCat(
        "no footer: expected magic ", absl::Hex(kFooterMagic), ", found ", absl::Hex(magic)));
  }
  LogId log_id;
  std::memcpy(log_id.bytes.data(), from + kLogIdAt, log_id.bytes.size());
  const uint64_t salt = LoadLittleEndian<uint64_t>(from + kSaltAt);
  const uint32_t stored = LoadLittleEndian<uint32_t>(from + kChecksumAt);
  const uint32_t computed = FooterChecksum(from, salt, log_id);
  if (stored != computed) return Damaged("checksum", stored, computed);
  if (log_id != header.log_id || salt != header.salt) {
    return absl::FailedPreconditionError(absl::StrCat(
        "footer of another life of the file: expected log id ", ToString(header.log_id),
        " and salt ", header.salt, ", found ", ToString(log_id), " and ", salt));
  }
  const uint32_t version = LoadLittleEndian<uint32_t>(from + kVersionAt);
  if (version != kFormatVersion) {
    return absl::UnimplementedError(
        absl::StrCat("footer: expected format version ", kFormatVersion, ", found ", version));
  }
  return absl::OkStatus();
}

absl::Status CheckAgainstHeader(const Footer& footer, const SegmentHeader& header) {
  if (footer.page_size != header.page_size) {
    return Damaged("page size", header.page_size, footer.page_size);
  }
  if (footer.digest_kind != header.digest_kind) {
    return Damaged("digest kind", static_cast<uint8_t>(header.digest_kind),
                   static_cast<uint8_t>(footer.digest_kind));
  }
  const SegmentState state =
      header.state == SegmentState::kCompacted ? SegmentState::kCompacted : SegmentState::kSealed;
  if (footer.state != state) {
    return Damaged("state", static_cast<uint8_t>(state), static_cast<uint8_t>(footer.state));
  }
  if (header.state == SegmentState::kCurrent) return absl::OkStatus();
  if (footer.epoch != header.epoch) {
    return Damaged("epoch", header.epoch.value(), footer.epoch.value());
  }
  if (footer.first_frame != header.first_frame) {
    return Damaged("first frame", header.first_frame.value(), footer.first_frame.value());
  }
  if (footer.last_frame != header.last_frame) {
    return Damaged("last frame", header.last_frame.value(), footer.last_frame.value());
  }
  return absl::OkStatus();
}

absl::Status CheckCounts(const Footer& footer) {
  if (footer.first_frame.value() == 0 || footer.last_frame < footer.first_frame) {
    return Damaged("last frame at least", footer.first_frame.value(), footer.last_frame.value());
  }
  const uint64_t range = footer.last_frame.value() - footer.first_frame.value();
  if (footer.frames > 0 && footer.frames - 1 > range) {
    return Damaged("frames at most one more than", range, footer.frames);
  }
  if (footer.frames > kMaxFrames) return Damaged("frames at most", kMaxFrames, footer.frames);
  const bool one_each = footer.state == SegmentState::kCompacted;
  if (footer.pages > footer.frames || (one_each && footer.pages < footer.frames)) {
    return Damaged("pages for the frames", footer.frames, footer.pages);
  }
  if (footer.commits == 0 || footer.commits > kMaxCommits) {
    return Damaged("commits from 1 to", kMaxCommits, footer.commits);
  }
  return absl::OkStatus();
}

// The parts lie one behind the other without gaps, and have the lengths that their counts ask for.
absl::Status CheckPlaces(const Footer& footer, bool is_dense, uint64_t segment_length) {
  struct Part {
    absl::string_view name;
    uint64_t offset, length;
  };
  const Part parts[] = {{"frame directory", footer.directory_offset, footer.directory_length},
                        {"page index", footer.index_offset, footer.index_length},
                        {"page hashes", footer.hashes_offset, footer.hashes_length},
                        {"commit table", footer.commits_offset, footer.commits_length}};
  const uint64_t end = segment_length - kFooterSize;
  uint64_t next = std::max<uint64_t>(footer.directory_offset, kSegmentHeaderSize);
  for (const Part& part : parts) {
    if (part.offset != next)
      return Damaged(absl::StrCat("offset of ", part.name), next, part.offset);
    if (next > end || part.length > end - next) {
      return Damaged(absl::StrCat("end of ", part.name, " at most"), end,
                     part.offset + part.length);
    }
    next += part.length;
  }
  if (next != end) return Damaged("end of the parts", end, next);
  if (footer.segment_length != segment_length) {
    return Damaged("segment length", footer.segment_length, segment_length);
  }
  const uint64_t directory_length = DirectoryBytes(footer.frames, is_dense);
  if (footer.directory_length != directory_length) {
    return Damaged("length of frame directory", directory_length, footer.directory_length);
  }
  const uint64_t commits_length = kCommitTableHeaderSize + footer.commits * kCommitEntrySize;
  if (footer.commits_length != commits_length) {
    return Damaged("length of commit table", commits_length, footer.commits_length);
  }
  return absl::OkStatus();
}

// Calls `visit` for each number of 64 bits in the order of the format.
template <typename FooterType, typename Visit>
void VisitNumbers(FooterType& footer, Visit visit) {
  visit(footer.frames);
  visit(footer.pages);
  visit(footer.commits);
  visit(footer.directory_offset);
  visit(footer.directory_length);
  visit(footer.index_offset);
  visit(footer.index_length);
  visit(footer.hashes_offset);
  visit(footer.hashes_length);
  visit(footer.commits_offset);
  visit(footer.commits_length);
  visit(footer.segment_length);
}

}  // namespace

void EncodeFooter(const Footer& footer, uint8_t* to) {
  std::memset(to, 0, kFooterSize);
  StoreLittleEndian<uint64_t>(to + kMagicAt, kFooterMagic);
  StoreLittleEndian<uint32_t>(to + kVersionAt, kFormatVersion);
  to[kStateAt] = static_cast<uint8_t>(footer.state);
  to[kDigestKindAt] = static_cast<uint8_t>(footer.digest_kind);
  std::memcpy(to + kLogIdAt, footer.log_id.bytes.data(), footer.log_id.bytes.size());
  StoreLittleEndian<uint64_t>(to + kSaltAt, footer.salt);
  StoreLittleEndian<uint32_t>(to + kPageSizeAt, footer.page_size);
  StoreLittleEndian<uint32_t>(to + kRecordsChecksumAt, footer.records_checksum);
  StoreLittleEndian<uint64_t>(to + kEpochAt, footer.epoch.value());
  StoreLittleEndian<uint64_t>(to + kFirstFrameAt, footer.first_frame.value());
  StoreLittleEndian<uint64_t>(to + kLastFrameAt, footer.last_frame.value());
  uint8_t* at = to + kNumbersAt;
  VisitNumbers(footer, [&at](uint64_t number) {
    StoreLittleEndian<uint64_t>(at, number);
    at += 8;
  });
  StoreLittleEndian<uint32_t>(to + kTailChecksumAt, footer.tail_checksum);
  StoreLittleEndian<uint32_t>(to + kChecksumAt, FooterChecksum(to, footer.salt, footer.log_id));
}

absl::StatusOr<Footer> DecodeFooter(io::ByteView bytes, const SegmentHeader& header,
                                    uint64_t segment_length) {
  if (bytes.size() != kFooterSize || segment_length < kSegmentHeaderSize + kFooterSize) {
    return absl::FailedPreconditionError(absl::StrCat("no footer: expected a segment of at least ",
                                                      kSegmentHeaderSize + kFooterSize,
                                                      " bytes, found ", segment_length));
  }
  const uint8_t* from = bytes.data();
  STRATA_RETURN_IF_ERROR(CheckIntact(from, header));
  Footer footer;
  footer.state = static_cast<SegmentState>(from[kStateAt]);
  footer.digest_kind = static_cast<DigestKind>(from[kDigestKindAt]);
  footer.log_id = header.log_id;
  footer.salt = header.salt;
  footer.page_size = LoadLittleEndian<uint32_t>(from + kPageSizeAt);
  footer.records_checksum = LoadLittleEndian<uint32_t>(from + kRecordsChecksumAt);
  footer.epoch = Epoch(LoadLittleEndian<uint64_t>(from + kEpochAt));
  footer.first_frame = FrameNo(LoadLittleEndian<uint64_t>(from + kFirstFrameAt));
  footer.last_frame = FrameNo(LoadLittleEndian<uint64_t>(from + kLastFrameAt));
  const uint8_t* at = from + kNumbersAt;
  VisitNumbers(footer, [&at](uint64_t& number) {
    number = LoadLittleEndian<uint64_t>(at);
    at += 8;
  });
  footer.tail_checksum = LoadLittleEndian<uint32_t>(from + kTailChecksumAt);
  STRATA_RETURN_IF_ERROR(CheckAgainstHeader(footer, header));
  STRATA_RETURN_IF_ERROR(CheckCounts(footer));
  STRATA_RETURN_IF_ERROR(CheckPlaces(footer, header.is_dense(), segment_length));
  return footer;
}

}  // namespace strata::segment
