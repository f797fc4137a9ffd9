#include "wal/rewrite.h"

#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::kRecordHeaderSize;

namespace {
constexpr size_t kBatchFrames = 128;
}

RecordSource SourceIn(const LogFiles::List& files) {
  return [&files](FrameNo frame) { return LogFiles::Find(files, frame)->IntendedRecord(frame); };
}

absl::Status WritePages(const PageSource& source, FrameNo first,
                        absl::Span<const segment::PageNo> pages, const CommitMark& mark,
                        CurrentSegment* to) {
  const size_t page_size = to->header().page_size;
  std::vector<uint8_t> bytes(kBatchFrames * page_size);
  while (!pages.empty()) {
    const auto batch = pages.subspan(0, kBatchFrames);
    pages.remove_prefix(batch.size());
    std::vector<PageRef> refs;
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto page = absl::MakeSpan(bytes).subspan(i * page_size, page_size);
      STRATA_RETURN_IF_ERROR(source(batch[i], page));
      refs.push_back({batch[i], page.data()});
    }
    STRATA_RETURN_IF_ERROR(to->AppendFrames(first, refs, pages.empty() ? &mark : nullptr));
    first = FrameNo(first.value() + batch.size());
  }
  return absl::OkStatus();
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
