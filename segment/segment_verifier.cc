#include "segment/segment_verifier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/dense_record.h"
#include "segment/digest.h"

namespace strata::segment {
namespace {

constexpr uint64_t kDirectoryPiece = 1024;
constexpr size_t kVerifiedAtATime = 1 << 20;

}  // namespace

absl::Status SegmentReader::VerifyAll() const { return SegmentVerifier(this).Run(); }

SegmentVerifier::SegmentVerifier(const SegmentReader* reader)
    : reader_(*reader), page_(reader->header_.page_size) {}

absl::Status SegmentVerifier::Run() {
  STRATA_RETURN_IF_ERROR(VerifyTail());
  STRATA_ASSIGN_OR_RETURN(index_, reader_.NewIndexIterator());
  if (!is_compacted()) STRATA_RETURN_IF_ERROR(CollectIndex());
  STRATA_RETURN_IF_ERROR(reader_.header_.is_dense() ? VerifyDenseRecords() : VerifyRecords());
  const Footer& footer = reader_.footer_;
  if (ordinal_ != footer.frames) {
    return reader_.Damaged(footer.directory_offset, "frames", footer.frames, ordinal_);
  }
  return is_compacted() ? VerifyIndexEnds() : VerifyIndexNamesNewest();
}

// Where the index's entries belong; a segment in log order is not in theirs.
absl::Status SegmentVerifier::CollectIndex() {
  indexed_.resize(reader_.footer_.frames);
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<PageIndexEntry> entry, index_->Next());
    if (!entry.has_value()) return absl::OkStatus();
    if (entry->ordinal >= indexed_.size()) {
      return reader_.Damaged(reader_.footer_.index_offset, "ordinal below", indexed_.size(),
                             entry->ordinal);
    }
    indexed_[entry->ordinal] = {entry->page, false, entry->page_hash};
  }
}

absl::Status SegmentVerifier::Checksum(uint64_t from, uint64_t to, uint32_t* crc) const {
  std::vector<uint8_t> buffer(std::min<uint64_t>(to - from, kVerifiedAtATime));
  while (from < to) {
    const size_t length = std::min<uint64_t>(to - from, buffer.size());
    const io::MutableBytes piece(buffer.data(), length);
    STRATA_RETURN_IF_ERROR(reader_.source_->ReadAt(from, piece));
    *crc = io::Crc32c(*crc, piece);
    from += length;
  }
  return absl::OkStatus();
}

absl::Status SegmentVerifier::VerifyTail() const {
  const Footer& footer = reader_.footer_;
  uint32_t crc = 0;
  STRATA_RETURN_IF_ERROR(
      Checksum(footer.directory_offset, footer.segment_length - kFooterSize, &crc));
  if (crc != footer.tail_checksum) {
    return reader_.Damaged(footer.directory_offset, "checksum of the tail", footer.tail_checksum,
                           crc);
  }
  return absl::OkStatus();
}

absl::Status SegmentVerifier::VerifyRecords() {
  const Footer& footer = reader_.footer_;
  const bool is_log = reader_.header_.state == SegmentState::kCurrent;
  RecordScanner scanner(reader_.source_.get(), reader_.seed_, kSegmentHeaderSize,
                        footer.directory_offset, is_log ? kRecordAlignment : 1);
  uint32_t crc = 0;
  STRATA_RETURN_IF_ERROR(Checksum(0, kSegmentHeaderSize, &crc));
  uint64_t covered = kSegmentHeaderSize;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<ScannedRecord> record, scanner.Next());
    const uint64_t next = record.has_value() ? record->offset : footer.directory_offset;
    if (!record.has_value() && scanner.offset() < next) {
      return absl::DataLossError(absl::StrCat(reader_.source_->name(), ": offset ",
                                              scanner.offset(), ": expected a record, found ",
                                              scanner.stopped_at()));
    }
    STRATA_RETURN_IF_ERROR(Checksum(covered, next, &crc));  // what fills up to the alignment
    if (!record.has_value()) break;
    const size_t length = kRecordHeaderSize + record->payload.size();
    crc = io::Crc32c(crc, io::ByteView(record->header_bytes, length));
    covered = next + length;
    STRATA_RETURN_IF_ERROR(VerifyRecord(*record));
  }
  if (crc != footer.records_checksum) {
    return reader_.Damaged(0, "checksum of the records", footer.records_checksum, crc);
  }
  return absl::OkStatus();
}

// Nothing lies between dense records, so that their bytes are all there is to the checksum.
absl::Status SegmentVerifier::VerifyDenseRecords() {
  const Footer& footer = reader_.footer_;
  uint32_t crc = 0;
  STRATA_RETURN_IF_ERROR(Checksum(0, kSegmentHeaderSize, &crc));
  uint64_t next = kSegmentHeaderSize;
  std::vector<uint8_t> payload;
  uint8_t header_bytes[kDenseHeaderSize];
  while (ordinal_ < footer.frames) {
    STRATA_ASSIGN_OR_RETURN(const DirectoryEntry entry, NextEntry());
    if (entry.offset != next) {
      return reader_.Damaged(entry.offset, "record at", next, entry.offset);
    }
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header, reader_.ReadStoredFrame(entry, &payload));
    EncodeDenseHeader(header, payload, reader_.seed_, header_bytes);
    crc = io::Crc32c(io::Crc32c(crc, header_bytes), payload);
    next += kDenseHeaderSize + payload.size();
    STRATA_RETURN_IF_ERROR(VerifyFrame({entry.offset, header, nullptr, payload}, entry));
    ++ordinal_;
  }
  if (next != footer.directory_offset) {
    return reader_.Damaged(next, "end of the records", footer.directory_offset, next);
  }
  if (crc == footer.records_checksum) return absl::OkStatus();
  return reader_.Damaged(0, "checksum of the records", footer.records_checksum, crc);
}

// The directory's line of the next frame.
absl::StatusOr<DirectoryEntry> SegmentVerifier::NextEntry() {
  if (ordinal_ == entries_first_ + entries_.size()) {
    entries_first_ = ordinal_;
    STRATA_ASSIGN_OR_RETURN(entries_, reader_.ReadDirectory(ordinal_, kDirectoryPiece));
  }
  return entries_[ordinal_ - entries_first_];
}

absl::Status SegmentVerifier::VerifyRecord(const ScannedRecord& record) {
  if (record.header.kind != RecordKind::kFrame) return absl::OkStatus();
  if (ordinal_ == reader_.footer_.frames) {
    return reader_.Damaged(record.offset, "frames", ordinal_, ordinal_ + 1);
  }
  STRATA_ASSIGN_OR_RETURN(const DirectoryEntry entry, NextEntry());
  STRATA_RETURN_IF_ERROR(VerifyFrame(record, entry));
  ++ordinal_;
  return absl::OkStatus();
}

absl::Status SegmentVerifier::VerifyFrame(const ScannedRecord& record,
                                          const DirectoryEntry& entry) {
  if (record.offset != entry.offset) {
    return reader_.Damaged(record.offset, "frame at", entry.offset, record.offset);
  }
  STRATA_RETURN_IF_ERROR(reader_.CheckSame(entry, record.header));
  STRATA_RETURN_IF_ERROR(VerifyOrder(entry));
  STRATA_RETURN_IF_ERROR(VerifyPrevious(entry));
  STRATA_RETURN_IF_ERROR(VerifyCommit(record));
  STRATA_RETURN_IF_ERROR(Decode(record, entry));
  return VerifyIndexed(entry);
}

// Frames are met in order, so a chain is not decoded again for each of its deltas.
absl::Status SegmentVerifier::Decode(const ScannedRecord& record, const DirectoryEntry& entry) {
  std::vector<uint8_t> previous;
  if (entry.codec == Codec::kDelta) {
    STRATA_RETURN_IF_ERROR(reader_.DecodeChain(entry, &recent_, &previous));
  }
  STRATA_RETURN_IF_ERROR(
      reader_.DecodeAgainst(entry, record.header, previous, record.payload, absl::MakeSpan(page_)));
  recent_.Put(entry.page, ordinal_, page_);
  return absl::OkStatus();
}

// Frames ascend in a log, pages in a compacted segment.
absl::Status SegmentVerifier::VerifyOrder(const DirectoryEntry& entry) {
  const bool in_order = is_compacted() ? entry.page > last_.page : entry.frame > last_.frame;
  if (!in_order) {
    return reader_.Damaged(entry.offset, "frame in order after", last_.frame.value(),
                           entry.frame.value());
  }
  last_ = entry;
  return absl::OkStatus();
}

absl::Status SegmentVerifier::VerifyPrevious(const DirectoryEntry& entry) {
  if (entry.previous > (is_compacted() ? 0 : ordinal_)) {
    return reader_.Damaged(entry.offset, "previous version up to", ordinal_, entry.previous);
  }
  if (is_compacted()) return absl::OkStatus();
  pages_.push_back(entry.page);
  if (entry.previous == 0) return absl::OkStatus();
  const PageNo page = pages_[entry.previous - 1];
  if (page != entry.page) {
    return reader_.Damaged(entry.offset, "previous version of page", entry.page.value(),
                           page.value());
  }
  indexed_[entry.previous - 1].superseded = true;
  return absl::OkStatus();
}

// A frame that the commit table names is that commit. (Compaction may keep a commit without its
// frame.)
absl::Status SegmentVerifier::VerifyCommit(const ScannedRecord& record) const {
  if (is_compacted()) return absl::OkStatus();
  const CommitEntry* commit = LastCommitAtOrBefore(reader_.commits_, record.header.frame);
  if (commit == nullptr || commit->frame != record.header.frame) return absl::OkStatus();
  if (!record.header.is_commit || commit->database_pages != record.header.database_pages) {
    return reader_.Damaged(record.offset, "commit of a database of pages", commit->database_pages,
                           record.header.database_pages);
  }
  return absl::OkStatus();
}

absl::Status SegmentVerifier::VerifyIndexed(const DirectoryEntry& entry) {
  if (is_compacted()) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<PageIndexEntry> next, index_->Next());
    if (!next.has_value() || next->page != entry.page || next->ordinal != ordinal_) {
      return reader_.Damaged(reader_.footer_.index_offset, "an entry for page", entry.page.value(),
                             next.has_value() ? next->page.value() : 0);
    }
    return VerifyHash(entry, next->page_hash);
  }
  const Indexed& indexed = indexed_[ordinal_];
  if (indexed.page.value() == 0) return absl::OkStatus();  // superseded or dead: known at the end
  if (indexed.page != entry.page) {
    return reader_.Damaged(entry.offset, "page", indexed.page.value(), entry.page.value());
  }
  return VerifyHash(entry, indexed.page_hash);
}

absl::Status SegmentVerifier::VerifyHash(const DirectoryEntry& entry, uint64_t expected) const {
  const uint64_t hash = PageHash(entry.page, page_);
  if (hash == expected) return absl::OkStatus();
  return reader_.Damaged(entry.offset, "page hash", expected, hash);
}

absl::Status SegmentVerifier::VerifyIndexEnds() {
  STRATA_ASSIGN_OR_RETURN(const std::optional<PageIndexEntry> entry, index_->Next());
  if (!entry.has_value()) return absl::OkStatus();
  return reader_.Damaged(reader_.footer_.index_offset, "end of the index, not page", 0,
                         entry->page.value());
}

// Each version is superseded by a later one, or the index has it, or it died.
absl::Status SegmentVerifier::VerifyIndexNamesNewest() const {
  const LowestSizes sizes(reader_.commits_);
  const uint64_t offset = reader_.footer_.index_offset;
  for (uint64_t first = 0; first < ordinal_; first += kDirectoryPiece) {
    STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries,
                            reader_.ReadDirectory(first, kDirectoryPiece));
    for (uint64_t i = 0; i < entries.size(); ++i) {
      const Indexed& indexed = indexed_[first + i];
      const bool is_indexed = indexed.page.value() != 0;
      const bool is_dead =
          !indexed.superseded && entries[i].page.value() > sizes.Since(entries[i].frame);
      if (is_indexed + indexed.superseded + is_dead != 1) {
        return reader_.Damaged(offset, "the newest live version of page only",
                               entries[i].page.value(), first + i);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace strata::segment
