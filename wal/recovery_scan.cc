#include "wal/recovery_scan.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/file_stream.h"
#include "io/status_macros.h"
#include "segment/record_scanner.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::RecordKind;
using segment::ScannedRecord;

absl::StatusOr<segment::SegmentHeader> ReadLogFileHeader(io::ByteSource& source, uint64_t sequence,
                                                         const Identity& identity) {
  std::vector<uint8_t> bytes(segment::kSegmentHeaderSize);
  if (source.size() < bytes.size()) {
    return absl::DataLossError(
        absl::StrCat(source.name(), ": ", source.size(), " bytes, too short for a header"));
  }
  STRATA_RETURN_IF_ERROR(source.ReadAt(0, absl::MakeSpan(bytes)));
  absl::StatusOr<segment::SegmentHeader> header = segment::DecodeSegmentHeader(bytes);
  if (!header.ok()) {
    return absl::Status(header.status().code(),
                        absl::StrCat(source.name(), ": ", header.status().message()));
  }
  if (header->log_id != identity.log_id) {
    return absl::DataLossError(absl::StrCat(source.name(), ": belongs to log ",
                                            segment::ToString(header->log_id), ", this is log ",
                                            segment::ToString(identity.log_id)));
  }
  if (header->sequence != sequence || header->page_size != identity.page_size) {
    return absl::DataLossError(absl::StrCat(source.name(), ": holds file ", header->sequence,
                                            " with pages of ", header->page_size,
                                            " bytes; it was renamed or copied"));
  }
  return header;
}

namespace {

constexpr uint32_t kLongestPadding = 4096;

// Reads a file's records in order and keeps account of its transactions.
class Scan {
 public:
  explicit Scan(FileScan* result) : result_(*result) {}

  // False when the record does not continue what came before.
  bool Take(const ScannedRecord& record) {
    switch (record.header.kind) {
      case RecordKind::kFrame:
        return TakeFrame(record);
      case RecordKind::kMark:
      case RecordKind::kPadding:
        if (result_.tail == TailCase::kOpen) return record.header.kind == RecordKind::kPadding;
        result_.tail = TailCase::kClean;
        return true;
    }
    return false;
  }

 private:
  bool TakeFrame(const ScannedRecord& record) {
    const FrameHeader& header = record.header;
    if (header.codec != segment::Codec::kRaw || header.stored_length != result_.header.page_size)
      return false;
    if (result_.first_frame == FrameNo(0)) {
      result_.first_frame = header.frame;
      next_ = header.frame;
    }
    if (header.frame != next_) return false;
    if (header.is_commit && !Commits(header)) return false;
    NoteRun(record);
    result_.pages.push_back(header.page);
    folded_ = segment::FoldTransactionChecksum(folded_, header.checksum);
    next_ = next_.next();
    result_.tail = TailCase::kOpen;
    if (header.is_commit) Close(record);
    return true;
  }

  bool Commits(const FrameHeader& header) const {
    return header.transaction_first == open_first() && header.transaction_checksum == folded_;
  }

  FrameNo open_first() const {
    return result_.commits.empty() ? result_.first_frame
                                   : result_.commits.back().point.frame.next();
  }

  void Close(const ScannedRecord& record) {
    const FrameHeader& header = record.header;
    result_.commits.push_back({{header.frame, header.database_pages, header.commit_time_us},
                               record.offset + segment::kRecordHeaderSize + record.payload.size()});
    folded_ = 0;
    result_.tail = TailCase::kClean;
  }

  void NoteRun(const ScannedRecord& record) {
    const uint64_t stride = segment::kRecordHeaderSize + record.payload.size();
    if (!result_.runs.empty()) {
      const FrameRun& run = result_.runs.back();
      if (run.offset + (record.header.frame.value() - run.first_frame) * stride == record.offset)
        return;
    }
    result_.runs.push_back({record.header.frame.value(), record.offset});
  }

  FileScan& result_;
  FrameNo next_;
  uint32_t folded_ = 0;
};

void NoteKnowledge(const ScannedRecord& record, FileScan* result) {
  result->durable = std::max(result->durable, record.header.durable);
  if (record.header.kind == RecordKind::kMark &&
      record.payload.size() == segment::kMarkPayloadSize) {
    result->marks.push_back({record.header.frame, segment::DecodeMark(record.payload.data())});
  }
}

// Intact records out of order tell nothing but what they say was durable.
absl::Status ScanBehindStop(segment::RecordScanner& scanner, FileScan* result) {
  const uint32_t longest_payload = std::max(result->header.page_size, kLongestPadding);
  uint64_t from = result->stop_offset;
  for (;;) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<ScannedRecord> record,
                            scanner.FindIntactRecordAfter(from, longest_payload));
    if (!record.has_value()) return absl::OkStatus();
    NoteKnowledge(*record, result);
    from = record->offset + segment::kRecordHeaderSize + record->payload.size();
  }
}

}  // namespace

absl::StatusOr<FileScan> ScanLogFile(io::FileSystem& files, const std::string& path,
                                     uint64_t sequence, const Identity& identity) {
  STRATA_ASSIGN_OR_RETURN(auto source, io::FileSource::Open(files, path));
  FileScan result;
  result.path = path;
  STRATA_ASSIGN_OR_RETURN(result.header, ReadLogFileHeader(*source, sequence, identity));
  const uint32_t seed = segment::RecordSeed(result.header.salt, result.header.log_id);
  segment::RecordScanner scanner(source.get(), seed);
  Scan scan(&result);
  for (;;) {
    const uint64_t offset = scanner.offset();
    STRATA_ASSIGN_OR_RETURN(const std::optional<ScannedRecord> record, scanner.Next());
    if (!record.has_value() || !scan.Take(*record)) {
      result.stop_offset = offset;
      result.stopped_at =
          record.has_value() ? absl::StrCat("frame ", record->header.frame.value(), " out of order")
                             : scanner.stopped_at();
      if (offset < source->size()) {
        result.tail = TailCase::kTorn;
        STRATA_RETURN_IF_ERROR(ScanBehindStop(scanner, &result));
      }
      return result;
    }
    NoteKnowledge(*record, &result);
  }
}

}  // namespace strata::wal
