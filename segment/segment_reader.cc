#include "segment/segment_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/dense_record.h"
#include "segment/frame_directory.h"

namespace strata::segment {
namespace {

// An index up to this size is read as a whole at first use.
constexpr uint64_t kKeptIndexBytes = 1 << 20;

// `status` with the source's name before its message, and the place where it was met.
absl::Status In(const io::ByteSource& source, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(source.name(), ": ", status.message()));
}

absl::Status At(const io::ByteSource& source, uint64_t offset, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(source.name(), ": offset ", offset, ": ", status.message()));
}

}  // namespace

absl::Status SegmentReader::Damaged(uint64_t offset, absl::string_view what, uint64_t expected,
                                    uint64_t found) const {
  return absl::DataLossError(absl::StrCat(source_->name(), ": offset ", offset, ": ", what,
                                          ": expected ", expected, ", found ", found));
}

absl::StatusOr<std::unique_ptr<SegmentReader>> SegmentReader::Open(
    std::shared_ptr<io::ByteSource> source, std::shared_ptr<DictionarySource> dictionaries) {
  std::unique_ptr<SegmentReader> reader(
      new SegmentReader(std::move(source), std::move(dictionaries)));
  STRATA_RETURN_IF_ERROR(reader->ReadHeaderAndFooter());
  STRATA_RETURN_IF_ERROR(reader->ReadCommits());
  return reader;
}

absl::Status SegmentReader::ReadHeaderAndFooter() {
  const uint64_t size = source_->size();
  if (size < kSegmentHeaderSize) return Damaged(0, "bytes at least", kSegmentHeaderSize, size);
  uint8_t bytes[kSegmentHeaderSize];
  STRATA_RETURN_IF_ERROR(source_->ReadAt(0, absl::MakeSpan(bytes)));
  absl::StatusOr<SegmentHeader> header = DecodeSegmentHeader(bytes);
  if (!header.ok()) return In(*source_, header.status());
  header_ = *header;
  if (header_.encryption_key_id != 0) {
    return absl::UnimplementedError(
        absl::StrCat(source_->name(), ": encrypted with key ", header_.encryption_key_id));
  }
  seed_ = RecordSeed(header_.salt, header_.log_id);

  uint8_t footer_bytes[kFooterSize] = {};
  if (size >= kSegmentHeaderSize + kFooterSize) {
    STRATA_RETURN_IF_ERROR(source_->ReadAt(size - kFooterSize, absl::MakeSpan(footer_bytes)));
  }
  absl::StatusOr<Footer> footer = DecodeFooter(footer_bytes, header_, size);
  if (footer.ok()) {
    footer_ = *footer;
    return absl::OkStatus();
  }
  // A stored segment was written whole: without a footer it was cut off.
  const bool is_stored = header_.state != SegmentState::kCurrent;
  const uint64_t footer_at = size - std::min<uint64_t>(size, kFooterSize);
  const absl::Status status = At(*source_, footer_at, footer.status());
  return is_stored && absl::IsFailedPrecondition(status) ? absl::DataLossError(status.message())
                                                         : status;
}

absl::Status SegmentReader::ReadCommits() {
  std::vector<uint8_t> bytes(footer_.commits_length);
  STRATA_RETURN_IF_ERROR(source_->ReadAt(footer_.commits_offset, absl::MakeSpan(bytes)));
  absl::StatusOr<std::vector<CommitEntry>> commits = DecodeCommitTable(bytes);
  if (!commits.ok()) return At(*source_, footer_.commits_offset, commits.status());
  commits_ = *std::move(commits);
  if (commits_.back().frame != footer_.last_frame) {
    return Damaged(footer_.commits_offset, "last commit at frame", footer_.last_frame.value(),
                   commits_.back().frame.value());
  }
  return absl::OkStatus();
}

absl::StatusOr<const PageIndex*> SegmentReader::Index() const {
  const io::MutexLock lock(&index_mutex_);
  if (index_ == nullptr) {
    const PageIndexPlace place = {footer_.index_offset, footer_.index_length, footer_.hashes_offset,
                                  footer_.hashes_length};
    STRATA_ASSIGN_OR_RETURN(std::unique_ptr<PageIndex> index,
                            PageIndex::Open(source_, place, kKeptIndexBytes));
    if (index->entries() != footer_.pages) {
      return Damaged(footer_.index_offset, "pages", footer_.pages, index->entries());
    }
    index_ = std::move(index);
  }
  return index_.get();
}

absl::StatusOr<std::optional<uint32_t>> SegmentReader::FindPage(PageNo page) const {
  STRATA_ASSIGN_OR_RETURN(const PageIndex* index, Index());
  STRATA_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal, index->Find(page));
  if (ordinal.has_value() && *ordinal >= footer_.frames) {
    return Damaged(footer_.index_offset, "ordinal below", footer_.frames, *ordinal);
  }
  return ordinal;
}

absl::StatusOr<std::unique_ptr<PageIndexIterator>> SegmentReader::NewIndexIterator() const {
  STRATA_ASSIGN_OR_RETURN(const PageIndex* index, Index());
  return index->NewIterator();
}

// The verified bytes of a block, without its checksum.
absl::StatusOr<io::ByteView> SegmentReader::DirectoryBlock(uint64_t number, size_t length,
                                                           uint8_t* scratch) const {
  const uint64_t offset = footer_.directory_offset + DirectoryBlockAt(number, header_.is_dense());
  STRATA_RETURN_IF_ERROR(source_->ReadAt(offset, io::MutableBytes(scratch, length + 4)));
  const uint32_t stored = io::LoadLittleEndian<uint32_t>(scratch + length);
  const uint32_t computed = io::Crc32c(0, io::ByteView(scratch, length));
  if (stored != computed) return Damaged(offset, "frame directory checksum", stored, computed);
  return io::ByteView(scratch, length);
}

absl::StatusOr<std::vector<DirectoryEntry>> SegmentReader::ReadDirectory(uint64_t first,
                                                                         uint64_t count) const {
  std::vector<DirectoryEntry> entries;
  if (first >= footer_.frames) return entries;
  count = std::min(count, footer_.frames - first);
  entries.reserve(count);
  std::vector<DirectoryEntry> lines;
  uint8_t scratch[kLargestDirectoryBlock];
  for (uint64_t at = first; at < first + count;) {
    const uint64_t number = at / kDirectoryBlockEntries;
    const uint64_t start = number * kDirectoryBlockEntries;
    const uint64_t in_block = std::min<uint64_t>(kDirectoryBlockEntries, footer_.frames - start);
    const size_t length = DirectoryBlockBytes(in_block, header_.is_dense());
    STRATA_ASSIGN_OR_RETURN(const io::ByteView block, DirectoryBlock(number, length, scratch));
    lines.clear();
    DecodeDirectoryBlock(block, in_block, header_.is_dense(), &lines);
    for (; at < start + in_block && at < first + count; ++at) {
      entries.push_back(lines[at - start]);
      STRATA_RETURN_IF_ERROR(CheckEntry(entries.back(), at));
    }
  }
  return entries;
}

// What only its ordinal can tell of an entry.
absl::Status SegmentReader::CheckEntry(const DirectoryEntry& entry, uint64_t ordinal) const {
  if (entry.previous > ordinal) {
    return Damaged(entry.offset, "previous version up to", ordinal, entry.previous);
  }
  return CheckPlace(entry);
}

// The record lies before the tail, and is no larger than a page.
absl::Status SegmentReader::CheckPlace(const DirectoryEntry& entry) const {
  if (entry.stored_length > header_.page_size) {
    return Damaged(entry.offset, "payload at most", header_.page_size, entry.stored_length);
  }
  const uint64_t record = RecordBytes(entry);
  const uint64_t end = footer_.directory_offset;
  if (entry.offset < kSegmentHeaderSize || record > end || entry.offset > end - record) {
    return Damaged(footer_.directory_offset, "record before", end, entry.offset);
  }
  if (entry.frame < footer_.first_frame || entry.frame > footer_.last_frame) {
    return Damaged(entry.offset, "frame up to", footer_.last_frame.value(), entry.frame.value());
  }
  return absl::OkStatus();
}

uint64_t SegmentReader::RecordBytes(const DirectoryEntry& entry) const {
  return (header_.is_dense() ? kDenseHeaderSize : kRecordHeaderSize) + entry.stored_length;
}

absl::StatusOr<FrameHeader> SegmentReader::ReadStoredFrame(const DirectoryEntry& entry,
                                                           std::vector<uint8_t>* payload) const {
  STRATA_RETURN_IF_ERROR(CheckPlace(entry));
  payload->resize(RecordBytes(entry));
  STRATA_RETURN_IF_ERROR(source_->ReadAt(entry.offset, absl::MakeSpan(*payload)));
  io::ByteView stored;
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header, ParseRecord(entry, *payload, &stored));
  payload->erase(payload->begin(), payload->end() - static_cast<ptrdiff_t>(stored.size()));
  return header;
}

absl::StatusOr<FrameHeader> SegmentReader::ParseRecord(const DirectoryEntry& entry,
                                                       io::ByteView record,
                                                       io::ByteView* payload) const {
  if (record.size() != RecordBytes(entry))
    return Damaged(entry.offset, "record of", RecordBytes(entry), record.size());
  if (header_.is_dense()) return ParseDenseRecord(entry, record, payload);
  *payload = record.subspan(kRecordHeaderSize);
  const absl::StatusOr<FrameHeader> header = DecodeRecordHeader(record.data());
  if (!header.ok()) {
    return absl::DataLossError(
        absl::StrCat(source_->name(), ": offset ", entry.offset, ": ", header.status().message()));
  }
  STRATA_RETURN_IF_ERROR(CheckSame(entry, *header));
  if (RecordIsIntact(record.data(), *payload, seed_)) return *header;
  return absl::DataLossError(absl::StrCat(source_->name(), ": offset ", entry.offset,
                                          ": checksum of frame ", entry.frame.value(),
                                          ": expected another than ", header->checksum));
}

absl::Status SegmentReader::CheckSame(const DirectoryEntry& entry,
                                      const FrameHeader& header) const {
  if (header.kind != RecordKind::kFrame) {
    return Damaged(entry.offset, "record kind", 1, static_cast<uint8_t>(header.kind));
  }
  if (header.stored_length != entry.stored_length) {
    return Damaged(entry.offset, "payload of", entry.stored_length, header.stored_length);
  }
  if (header.frame != entry.frame) {
    return Damaged(entry.offset, "frame", entry.frame.value(), header.frame.value());
  }
  if (header.page != entry.page) {
    return Damaged(entry.offset, "page", entry.page.value(), header.page.value());
  }
  if (header.codec != entry.codec) {
    return Damaged(entry.offset, "codec", static_cast<uint8_t>(entry.codec),
                   static_cast<uint8_t>(header.codec));
  }
  if (header.is_commit != entry.is_commit) {
    return Damaged(entry.offset, "commit flag", entry.is_commit, header.is_commit);
  }
  return absl::OkStatus();
}

}  // namespace strata::segment
