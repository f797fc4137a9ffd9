#include "wal/transaction_reader.h"

#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::RecordKind;
using segment::ScannedRecord;

absl::StatusOr<std::optional<ReadTransaction>> TransactionReader::Next(FrameNo limit) {
  ReadTransaction transaction;
  folded_ = 0;
  for (;;) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<ScannedRecord> record, scanner_.Next());
    if (!record.has_value()) return std::nullopt;
    if (record->header.kind == RecordKind::kPadding) continue;
    if (record->header.kind == RecordKind::kMark) {
      if (!transaction.pages.empty()) return std::nullopt;
      continue;
    }
    if (record->header.frame > limit || !Take(*record, &transaction)) return std::nullopt;
    if (!record->header.is_commit) continue;
    transaction.last = record->header.frame;
    transaction.end_offset = scanner_.offset();
    return transaction;
  }
}

bool TransactionReader::Take(const ScannedRecord& record, ReadTransaction* transaction) {
  const FrameHeader& header = record.header;
  if (header.codec != segment::Codec::kRaw || header.stored_length != page_size_) return false;
  if (next_ == FrameNo(0)) next_ = header.frame;
  if (header.frame != next_) return false;
  if (transaction->pages.empty()) transaction->first = header.frame;
  const bool sound = !header.is_commit || (header.transaction_first == transaction->first &&
                                           header.transaction_checksum == folded_);
  if (!sound) return false;
  const uint64_t stride = segment::kRecordHeaderSize + page_size_;
  const bool continues =
      !transaction->runs.empty() &&
      transaction->runs.back().offset +
              (header.frame.value() - transaction->runs.back().first_frame) * stride ==
          record.offset;
  if (!continues) transaction->runs.push_back({header.frame.value(), record.offset});
  transaction->pages.push_back(header.page);
  folded_ = segment::FoldTransactionChecksum(folded_, header.checksum);
  next_ = next_.next();
  return true;
}

}  // namespace strata::wal
