#include "segment/record_scanner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::segment {
namespace {

constexpr size_t kReadBytes = 1 << 20;

uint64_t RoundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

RecordScanner::RecordScanner(io::ByteSource* source, uint32_t seed, uint64_t begin, uint64_t end,
                             uint32_t alignment)
    : source_(source),
      seed_(seed),
      end_(std::min(end, source->size())),
      alignment_(alignment),
      offset_(begin) {}

absl::StatusOr<io::ByteView> RecordScanner::Peek(uint64_t offset, size_t length) {
  if (offset >= end_) return io::ByteView();
  length = std::min<uint64_t>(length, end_ - offset);
  const bool buffered =
      offset >= buffer_offset_ && offset + length <= buffer_offset_ + buffer_.size();
  if (!buffered) {
    buffer_offset_ = offset;
    buffer_.resize(std::min<uint64_t>(std::max(length, kReadBytes), end_ - offset));
    if (absl::Status read = source_->ReadAt(offset, absl::MakeSpan(buffer_)); !read.ok()) {
      buffer_.clear();
      return read;
    }
  }
  return io::ByteView(buffer_.data() + (offset - buffer_offset_), length);
}

absl::StatusOr<std::optional<ScannedRecord>> RecordScanner::RecordAt(uint64_t offset,
                                                                     std::string* why_not) {
  STRATA_ASSIGN_OR_RETURN(io::ByteView bytes, Peek(offset, kRecordHeaderSize));
  if (bytes.size() < kRecordHeaderSize) {
    *why_not = absl::StrCat("the end after ", bytes.size(), " bytes");
    return std::nullopt;
  }
  const absl::StatusOr<FrameHeader> header = DecodeRecordHeader(bytes.data());
  if (!header.ok()) {
    *why_not = std::string(header.status().message());
    return std::nullopt;
  }
  const size_t length = kRecordHeaderSize + header->stored_length;
  STRATA_ASSIGN_OR_RETURN(bytes, Peek(offset, length));
  if (bytes.size() < length) {
    *why_not = absl::StrCat("a record of ", length, " bytes cut off after ", bytes.size());
    return std::nullopt;
  }
  const io::ByteView payload = bytes.subspan(kRecordHeaderSize);
  if (!RecordIsIntact(bytes.data(), payload, seed_)) {
    *why_not = "a record with a wrong checksum";
    return std::nullopt;
  }
  return ScannedRecord{offset, *header, bytes.data(), payload};
}

absl::StatusOr<std::optional<ScannedRecord>> RecordScanner::Next() {
  if (stopped_) return std::nullopt;
  STRATA_ASSIGN_OR_RETURN(std::optional<ScannedRecord> record, RecordAt(offset_, &stopped_at_));
  if (!record.has_value()) {
    stopped_ = true;
    return std::nullopt;
  }
  offset_ = RoundUp(offset_ + kRecordHeaderSize + record->payload.size(), alignment_);
  return record;
}

absl::StatusOr<std::optional<ScannedRecord>> RecordScanner::FindIntactRecordAfter(
    uint64_t from, uint32_t max_payload) {
  std::string why_not;
  for (uint64_t at = RoundUp(from, kRecordAlignment); at < end_; at += kRecordAlignment) {
    STRATA_ASSIGN_OR_RETURN(const io::ByteView bytes, Peek(at, kRecordHeaderSize));
    if (bytes.size() < kRecordHeaderSize || bytes[kRecordMagicAt] != kRecordMagic) continue;
    const absl::StatusOr<FrameHeader> header = DecodeRecordHeader(bytes.data());
    if (!header.ok() || header->stored_length > max_payload) continue;
    STRATA_ASSIGN_OR_RETURN(std::optional<ScannedRecord> record, RecordAt(at, &why_not));
    if (record.has_value()) return record;
  }
  return std::nullopt;
}

}  // namespace strata::segment
