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
      blocks_(index->verified_ != nullptr
                  ? StreamedBytes(index->blocks_)
                  : StreamedBytes(index->source_.get(), index->place_.offset, index->block_bytes_)),
      hashes_(index->source_ == nullptr
                  ? StreamedBytes(index->hashes_)
                  : StreamedBytes(index->source_.get(), index->place_.hashes_offset,
                                  index->place_.hashes_length)) {}

absl::StatusOr<std::optional<PageIndexEntry>> StoredIndexIterator::Next() {
  if (taken_ == decoded_count_) STRATA_RETURN_IF_ERROR(Decode());
  if (taken_ == decoded_count_) return std::nullopt;
  return decoded_[taken_++];
}

absl::StatusOr<size_t> StoredIndexIterator::NextBatch(absl::Span<PageIndexEntry> out) {
  if (taken_ == decoded_count_) STRATA_RETURN_IF_ERROR(Decode());
  const size_t count = std::min(out.size(), decoded_count_ - taken_);
  std::copy_n(decoded_.begin() + static_cast<ptrdiff_t>(taken_), count, out.begin());
  taken_ += count;
  return count;
}

// Fills decoded_ with the next block, or the next piece of a run; leaves it empty at the end.
absl::Status StoredIndexIterator::Decode() {
  taken_ = 0;
  decoded_count_ = 0;
  if (run_left_ == 0) {
    if (next_block_ == index_->block_count_) return absl::OkStatus();
    STRATA_RETURN_IF_ERROR(OpenBlock());
  }
  if (run_left_ > 0) {
    const size_t count = std::min<uint64_t>(run_left_, kIndexBlockEntries);
    for (size_t i = 0; i < count; ++i) {
      decoded_[i].page = PageNo(run_page_++);
      decoded_[i].ordinal = run_ordinal_++;
    }
    run_left_ -= count;
    decoded_count_ = count;
  }
  const absl::Status hashes = DecodeHashes(decoded_count_);
  if (!hashes.ok()) decoded_count_ = 0;
  return hashes;
}

absl::Status StoredIndexIterator::OpenBlock() {
  const size_t number = next_block_++;
  const IndexBlock block = index_->BlockAt(number);
  const uint64_t count = index_->EndPosition(number) - block.position;
  if (block.kind == IndexBlockKind::kRun) {
    run_left_ = count;
    run_page_ = index_->FirstPage(number);
    run_ordinal_ = block.place;
    return absl::OkStatus();
  }
  return DecodePacked(number, block, count);
}

absl::Status StoredIndexIterator::DecodePacked(size_t number, const IndexBlock& block,
                                               size_t count) {
  const size_t length = IndexBlockBytes(block, count);
  STRATA_ASSIGN_OR_RETURN(const uint8_t* bytes, blocks_.Take(length));
  STRATA_RETURN_IF_ERROR(index_->VerifyBlock(number, block, io::ByteView(bytes, length)));
  const uint32_t first_page = index_->FirstPage(number);
  const uint32_t base = LoadLittleEndian<uint32_t>(bytes);
  const uint8_t* deltas = bytes + kBlockPrefixSize;
  const uint8_t* ordinals = deltas + PackedBytes(count, block.page_width);
  const bool ordered = block.kind == IndexBlockKind::kOrdered;
  // Pages must go up within the block and end below the next one, or a hostile index could repeat
  // them.
  uint64_t last = uint64_t{first_page} - 1;
  bool ascending = true;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t page = uint64_t{first_page} + UnpackAt(deltas, block.page_width, i);
    ascending = ascending && page > last;
    last = page;
    decoded_[i].page = PageNo(static_cast<uint32_t>(page));
    decoded_[i].ordinal =
        base + (ordered ? static_cast<uint32_t>(i) : UnpackAt(ordinals, block.ordinal_width, i));
  }
  const bool is_last = number + 1 == index_->block_count_;
  const uint64_t limit = is_last ? uint64_t{UINT32_MAX} + 1 : index_->FirstPage(number + 1);
  if (!ascending || last >= limit) {
    return index_->Damaged(absl::StrCat("pages of block ", number, " ascending, below"), limit,
                           last);
  }
  decoded_count_ = count;
  return absl::OkStatus();
}

absl::Status StoredIndexIterator::DecodeHashes(size_t count) {
  for (size_t i = 0; i < count; ++i, ++hash_position_) {
    const size_t within = hash_position_ % kIndexBlockEntries;
    if (within == 0) STRATA_RETURN_IF_ERROR(LoadHashBlock());
    decoded_[i].page_hash = LoadLittleEndian<uint64_t>(hash_block_.data() + 8 * within);
  }
  return absl::OkStatus();
}

absl::Status StoredIndexIterator::LoadHashBlock() {
  const size_t count = std::min<uint64_t>(kIndexBlockEntries, index_->entries_ - hash_position_);
  const size_t length = 8 * count;
  STRATA_ASSIGN_OR_RETURN(const uint8_t* bytes, hashes_.Take(length + 4));
  const uint32_t stored = LoadLittleEndian<uint32_t>(bytes + length);
  const uint32_t computed = io::Crc32c(0, io::ByteView(bytes, length));
  if (stored != computed) {
    return index_->Damaged(
        absl::StrCat("checksum of the page hashes from position ", hash_position_), stored,
        computed);
  }
  std::copy_n(bytes, length, hash_block_.begin());
  return absl::OkStatus();
}

}  // namespace strata::segment
