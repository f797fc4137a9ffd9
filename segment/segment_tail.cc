#include "segment/segment_tail.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/memory_stream.h"
#include "io/status_macros.h"
#include "segment/frame_directory.h"
#include "segment/page_index_builder.h"

// Format: docs/segment_format.md, "Tail".
namespace strata::segment {
namespace {

// Passes bytes on, and knows how many and their checksum.
class CountingSink : public io::ByteSink {
 public:
  CountingSink(io::ByteSink* sink, uint64_t offset) : sink_(sink), offset_(offset) {}
  absl::Status Append(io::ByteView bytes) override {
    STRATA_RETURN_IF_ERROR(sink_->Append(bytes));
    crc32c_ = io::Crc32c(crc32c_, bytes);
    offset_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t offset() const { return offset_; }
  uint32_t crc32c() const { return crc32c_; }

 private:
  io::ByteSink* const sink_;
  uint64_t offset_;
  uint32_t crc32c_ = 0;
};

absl::Status OutOfOrder(absl::string_view what, uint64_t expected, uint64_t found) {
  return absl::InvalidArgumentError(
      absl::StrCat("segment tail: ", what, ": expected ", expected, ", found ", found));
}

// A page and the ordinal of one of its versions; sorts by page, then by age.
constexpr uint64_t VersionKey(PageNo page, uint32_t ordinal) {
  return uint64_t{page.value()} << 32 | ordinal;
}

}  // namespace

struct SegmentTailBuilder::Parts {
  explicit Parts(const SegmentHeader& segment_header) : header(segment_header) {}

  bool is_compacted() const { return header.state == SegmentState::kCompacted; }
  uint8_t* LineAt(uint32_t ordinal) { return lines.data() + ordinal * kDirectoryEntrySize; }
  absl::Status CheckOrder(const DirectoryEntry& entry) const;
  absl::Status CheckFinish(SegmentState state) const;
  void SortVersions();
  void LinkPrevious();
  absl::Status WriteDirectory(io::ByteSink* sink) const;
  absl::Status WriteIndex(io::ByteSink* index, io::ByteSink* hash_column, uint64_t* pages);

  const SegmentHeader header;
  std::vector<uint8_t> lines;      // encoded directory entries
  std::vector<uint64_t> hashes;    // by ordinal
  std::vector<uint64_t> versions;  // VersionKey of each
  std::vector<CommitEntry> commits;
  DirectoryEntry first;
  DirectoryEntry last;
};

SegmentTailBuilder::SegmentTailBuilder(const SegmentHeader& header)
    : parts_(std::make_unique<Parts>(header)) {}

SegmentTailBuilder::~SegmentTailBuilder() = default;

uint64_t SegmentTailBuilder::frames() const { return parts_->hashes.size(); }

absl::Status SegmentTailBuilder::Parts::CheckOrder(const DirectoryEntry& entry) const {
  if (entry.page.value() == 0) return OutOfOrder("page at least", 1, 0);
  if (is_compacted() && entry.page <= last.page) {
    return OutOfOrder("page above", last.page.value(), entry.page.value());
  }
  if (!is_compacted() && entry.frame <= last.frame) {
    return OutOfOrder("frame above", last.frame.value(), entry.frame.value());
  }
  if (entry.offset < kSegmentHeaderSize || entry.offset < last.offset) {
    return OutOfOrder("offset above", last.offset, entry.offset);
  }
  const bool has_range = header.last_frame.value() != 0;
  if (entry.frame < header.first_frame || (has_range && entry.frame > header.last_frame)) {
    return OutOfOrder("frame within the segment's, up to", header.last_frame.value(),
                      entry.frame.value());
  }
  if (hashes.size() == kMaxFrames) return OutOfOrder("frames at most", kMaxFrames, kMaxFrames + 1);
  return absl::OkStatus();
}

absl::Status SegmentTailBuilder::AddFrame(const DirectoryEntry& entry, uint64_t page_hash) {
  STRATA_RETURN_IF_ERROR(parts_->CheckOrder(entry));
  const uint32_t ordinal = static_cast<uint32_t>(parts_->hashes.size());
  if (ordinal == 0) parts_->first = entry;
  parts_->last = entry;
  parts_->lines.resize(parts_->lines.size() + kDirectoryEntrySize);
  EncodeDirectoryEntry(entry, parts_->LineAt(ordinal));
  parts_->hashes.push_back(page_hash);
  return absl::OkStatus();
}

absl::Status SegmentTailBuilder::AddCommit(const CommitEntry& commit) {
  std::vector<CommitEntry>& commits = parts_->commits;
  STRATA_RETURN_IF_ERROR(CheckCommitFollows(commits.empty() ? nullptr : &commits.back(), commit));
  if (commits.size() == kMaxCommits) {
    return absl::ResourceExhaustedError(
        absl::StrCat("commit table: more than ", kMaxCommits, " commits in a segment"));
  }
  commits.push_back(commit);
  return absl::OkStatus();
}

absl::Status SegmentTailBuilder::Parts::CheckFinish(SegmentState state) const {
  const SegmentState expected = is_compacted() ? SegmentState::kCompacted : SegmentState::kSealed;
  if (state != expected) {
    return OutOfOrder("state", static_cast<uint8_t>(expected), static_cast<uint8_t>(state));
  }
  if (hashes.empty() && !is_compacted()) return OutOfOrder("frames at least", 1, 0);
  if (commits.empty()) return OutOfOrder("commits at least", 1, 0);
  const FrameNo last_frame = header.last_frame.value() != 0 ? header.last_frame : last.frame;
  if (commits.back().frame != last_frame) {
    return OutOfOrder("last commit at frame", last_frame.value(), commits.back().frame.value());
  }
  if (is_compacted() && last.page.value() > commits.back().database_pages) {
    return OutOfOrder("page at most", commits.back().database_pages, last.page.value());
  }
  return absl::OkStatus();
}

void SegmentTailBuilder::Parts::SortVersions() {
  versions.reserve(hashes.size());
  for (uint32_t ordinal = 0; ordinal < hashes.size(); ++ordinal) {
    versions.push_back(VersionKey(DecodeDirectoryEntry(LineAt(ordinal)).page, ordinal));
  }
  if (!is_compacted()) std::sort(versions.begin(), versions.end());
}

void SegmentTailBuilder::Parts::LinkPrevious() {
  for (size_t i = 1; i < versions.size(); ++i) {
    if (versions[i] >> 32 != versions[i - 1] >> 32) continue;
    uint8_t* line = LineAt(static_cast<uint32_t>(versions[i]));
    DirectoryEntry entry = DecodeDirectoryEntry(line);
    entry.previous = static_cast<uint32_t>(versions[i - 1]) + 1;
    EncodeDirectoryEntry(entry, line);
  }
}

absl::Status SegmentTailBuilder::Parts::WriteDirectory(io::ByteSink* sink) const {
  const uint64_t frames = hashes.size();
  std::vector<DirectoryEntry> entries;
  std::vector<uint8_t> block;
  for (uint64_t at = 0; at < frames; at += kDirectoryBlockEntries) {
    const uint64_t count = std::min<uint64_t>(kDirectoryBlockEntries, frames - at);
    entries.clear();
    block.clear();
    DecodeDirectoryBlock(io::ByteView(lines).subspan(at * kDirectoryEntrySize), count, false,
                         &entries);
    STRATA_RETURN_IF_ERROR(EncodeDirectoryBlock(entries, header.is_dense(), &block));
    STRATA_RETURN_IF_ERROR(sink->Append(block));
  }
  return absl::OkStatus();
}

absl::Status SegmentTailBuilder::Parts::WriteIndex(io::ByteSink* index, io::ByteSink* hash_column,
                                                   uint64_t* pages) {
  const LowestSizes sizes(commits);
  PageIndexBuilder builder(index, hash_column);
  for (size_t i = 0; i < versions.size(); ++i) {
    const uint32_t page = static_cast<uint32_t>(versions[i] >> 32);
    const bool superseded = i + 1 < versions.size() && versions[i + 1] >> 32 == page;
    if (superseded) continue;
    const uint32_t ordinal = static_cast<uint32_t>(versions[i]);
    const FrameNo frame = DecodeDirectoryEntry(LineAt(ordinal)).frame;
    if (!is_compacted() && page > sizes.Since(frame)) continue;
    STRATA_RETURN_IF_ERROR(builder.Add({PageNo(page), ordinal, hashes[ordinal]}));
  }
  *pages = builder.entries();
  return builder.Finish();
}

absl::Status SegmentTailBuilder::Finish(SegmentState state, Epoch epoch, uint64_t records_end,
                                        uint32_t records_checksum, io::ByteSink* sink) {
  Parts& parts = *parts_;
  STRATA_RETURN_IF_ERROR(parts.CheckFinish(state));
  parts.SortVersions();
  parts.LinkPrevious();

  const bool has_range = parts.header.last_frame.value() != 0;
  Footer footer;
  footer.state = state;
  footer.log_id = parts.header.log_id;
  footer.salt = parts.header.salt;
  footer.page_size = parts.header.page_size;
  footer.digest_kind = parts.header.digest_kind;
  footer.epoch = epoch;
  footer.first_frame = has_range ? parts.header.first_frame : parts.first.frame;
  footer.last_frame = has_range ? parts.header.last_frame : parts.last.frame;
  footer.frames = parts.hashes.size();
  footer.commits = parts.commits.size();
  footer.records_checksum = records_checksum;

  CountingSink counting(sink, records_end);
  footer.directory_offset = counting.offset();
  STRATA_RETURN_IF_ERROR(parts.WriteDirectory(&counting));
  footer.index_offset = counting.offset();
  footer.directory_length = footer.index_offset - footer.directory_offset;
  io::MemorySink hash_column;
  STRATA_RETURN_IF_ERROR(parts.WriteIndex(&counting, &hash_column, &footer.pages));
  footer.hashes_offset = counting.offset();
  footer.index_length = footer.hashes_offset - footer.index_offset;
  STRATA_RETURN_IF_ERROR(counting.Append(hash_column.bytes()));
  footer.commits_offset = counting.offset();
  footer.hashes_length = footer.commits_offset - footer.hashes_offset;
  STRATA_RETURN_IF_ERROR(counting.Append(EncodeCommitTable(parts.commits)));
  footer.commits_length = counting.offset() - footer.commits_offset;
  footer.segment_length = counting.offset() + kFooterSize;
  footer.tail_checksum = counting.crc32c();
  uint8_t bytes[kFooterSize];
  EncodeFooter(footer, bytes);
  return sink->Append(bytes);
}

}  // namespace strata::segment
