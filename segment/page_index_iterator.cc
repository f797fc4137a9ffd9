#include "segment/page_index_iterator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::segment {
namespace {

using io::LoadLittleEndian;

constexpr size_t kReadAheadBytes = 64 << 10;

}  // namespace

absl::StatusOr<const uint8_t*> StreamedBytes::Take(size_t length) {
  if (ready_.size() < length) STRATA_RETURN_IF_ERROR(Fill(length));
  const uint8_t* bytes = ready_.data();
  ready_.remove_prefix(length);
  return bytes;
}

absl::Status StreamedBytes::Fill(size_t length) {
  const size_t have = ready_.size();
  if (length - have > left_) return absl::OutOfRangeError("page index: read beyond its end");
  const size_t more = std::min<uint64_t>(left_, std::max(kReadAheadBytes, length) - have);
  std::vector<uint8_t> next(have + more + kUnpackSlack);
  std::copy(ready_.begin(), ready_.end(), next.begin());
  STRATA_RETURN_IF_ERROR(source_->ReadAt(offset_, io::MutableBytes(next.data() + have, more)));
  buffer_ = std::move(next);
  ready_ = io::ByteView(buffer_.data(), have + more);
  offset_ += more;
  left_ -= more;
  return absl::OkStatus();
}

StoredIndexIterator::StoredIndexIterator(const PageIndex* index)
    : index_(index),
      blocks_(index->blocks_in_memory()
                  ? StreamedBytes(index->blocks_)
                  : StreamedBytes(index->source_.get(), index->place_.offset, index->block_bytes_)),
      hashes_(index->source_ == nullptr
                  ? StreamedBytes(index->hashes_)
                  : StreamedBytes(index->source_.get(), index->place_.hashes_offset,
                                  index->place_.hashes_length)) {}

absl::StatusOr<std::optional<PageIndexEntry>> StoredIndexIterator::Next() {
  PageIndexEntry entry;
  STRATA_ASSIGN_OR_RETURN(const size_t filled, NextBatch(absl::MakeSpan(&entry, 1)));
  if (filled == 0) return std::nullopt;
  return entry;
}

absl::StatusOr<size_t> StoredIndexIterator::NextBatch(absl::Span<PageIndexEntry> out) {
  if (taken_ == decoded_count_) STRATA_RETURN_IF_ERROR(Decode());
  if (taken_ == decoded_count_) return 0;
  if (hashes_left_ == 0) STRATA_RETURN_IF_ERROR(LoadHashBlock());
  const size_t count = std::min({out.size(), decoded_count_ - taken_, hashes_left_});
  for (size_t i = 0; i < count; ++i) {
    out[i].page = PageNo(decoded_.pages[taken_ + i]);
    out[i].ordinal = decoded_.ordinals[taken_ + i];
    out[i].page_hash = LoadLittleEndian<uint64_t>(hash_block_ + 8 * i);
  }
  taken_ += count;
  hash_block_ += 8 * count;
  hashes_left_ -= count;
  hash_position_ += count;
  return count;
}

// Fills decoded_ with the next block, or the next piece of a run; leaves it empty at the end.
absl::Status StoredIndexIterator::Decode() {
  taken_ = 0;
  decoded_count_ = 0;
  if (run_.entries == 0) {
    if (next_block_ == index_->directory_.size()) return absl::OkStatus();
    STRATA_RETURN_IF_ERROR(OpenBlock());
  }
  if (run_.entries > 0) DecodeRunPiece();
  return absl::OkStatus();
}

absl::Status StoredIndexIterator::OpenBlock() {
  const size_t number = next_block_++;
  const IndexLine line = index_->directory_.Line(number);
  if (line.kind == IndexBlockKind::kRun) {
    run_ = line;
    return absl::OkStatus();
  }
  STRATA_ASSIGN_OR_RETURN(const uint8_t* block, blocks_.Take(IndexBlockBytes(line)));
  STRATA_RETURN_IF_ERROR(index_->DecodeBlock(number, line, block, &decoded_));
  decoded_count_ = line.entries;
  return absl::OkStatus();
}

void StoredIndexIterator::DecodeRunPiece() {
  const uint32_t count = std::min(run_.entries, kIndexBlockEntries);
  for (uint32_t i = 0; i < count; ++i) {
    decoded_.pages[i] = run_.first_page + i;
    decoded_.ordinals[i] = run_.lowest_ordinal + i;
  }
  run_.first_page += count;
  run_.lowest_ordinal += count;
  run_.entries -= count;
  decoded_count_ = count;
}

absl::Status StoredIndexIterator::LoadHashBlock() {
  const size_t count = std::min<uint64_t>(kHashBlockEntries, index_->entries_ - hash_position_);
  const size_t length = 8 * count;
  STRATA_ASSIGN_OR_RETURN(const uint8_t* bytes, hashes_.Take(length + 4));
  const uint32_t stored = LoadLittleEndian<uint32_t>(bytes + length);
  const uint32_t computed = io::Crc32c(0, io::ByteView(bytes, length));
  if (stored != computed) {
    return index_->Damaged(
        absl::StrCat("checksum of the page hashes from position ", hash_position_), stored,
        computed);
  }
  hash_block_ = bytes;
  hashes_left_ = count;
  return absl::OkStatus();
}

}  // namespace strata::segment
