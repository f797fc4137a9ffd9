#include "wal/rewrite.h"

#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::kRecordHeaderSize;

namespace {
constexpr size_t kBatchFrames = 128;
}

absl::Status RewriteFrames(const RecordSource& source, FrameNo first, FrameNo last,
                           CurrentSegment* to) {
  std::vector<std::vector<uint8_t>> records;
  std::vector<PageRef> pages;
  FrameNo batch_first = first;
  for (FrameNo frame = first; frame <= last; frame = frame.next()) {
    STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> record, source(frame));
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header, segment::DecodeRecordHeader(record.data()));
    records.push_back(std::move(record));
    pages.push_back({header.page, records.back().data() + kRecordHeaderSize});
    if (!header.is_commit && pages.size() < kBatchFrames && frame != last) continue;
    const CommitMark mark{header.database_pages, header.commit_time_us, header.durable};
    STRATA_RETURN_IF_ERROR(
        to->AppendFrames(batch_first, pages, header.is_commit ? &mark : nullptr));
    records.clear();
    pages.clear();
    batch_first = frame.next();
  }
  return absl::OkStatus();
}

absl::StatusOr<FrameNo> LastCommitBelow(const CurrentSegment& segment, uint64_t offset) {
  const FrameNo before_first = segment.first_frame().previous();
  for (FrameNo frame = segment.last_commit(); frame > before_first; frame = frame.previous()) {
    if (segment.OffsetOf(frame) + segment.record_bytes() > offset) continue;
    STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> record, segment.IntendedRecord(frame));
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header, segment::DecodeRecordHeader(record.data()));
    if (header.is_commit) return frame;
  }
  return before_first;
}

}  // namespace strata::wal
