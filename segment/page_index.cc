#include "segment/page_index.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/page_index_format.h"
#include "segment/page_index_iterator.h"

namespace strata::segment {
namespace {

using io::LoadLittleEndian;

constexpr size_t kLineBytes = 4 + kIndexDescriptorSize;

}  // namespace

absl::StatusOr<size_t> PageIndexIterator::NextBatch(absl::Span<PageIndexEntry> out) {
  size_t filled = 0;
  while (filled < out.size()) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<PageIndexEntry> entry, Next());
    if (!entry.has_value()) break;
    out[filled++] = *entry;
  }
  return filled;
}

absl::Status PageIndex::Damaged(absl::string_view what, uint64_t expected, uint64_t found) const {
  return absl::DataLossError(absl::StrCat(name_, ": page index at offset ", place_.offset, ": ",
                                          what, ": expected ", expected, ", found ", found));
}

absl::StatusOr<std::unique_ptr<PageIndex>> PageIndex::Open(std::shared_ptr<io::ByteSource> source,
                                                           const PageIndexPlace& place,
                                                           uint64_t keep_bytes) {
  std::unique_ptr<PageIndex> index(new PageIndex);
  index->name_ = source->name();
  index->place_ = place;
  index->source_ = std::move(source);
  STRATA_RETURN_IF_ERROR(index->ReadFromSource(keep_bytes));
  return index;
}

absl::StatusOr<std::unique_ptr<PageIndex>> PageIndex::OverMemory(io::ByteView index,
                                                                 io::ByteView hashes) {
  std::unique_ptr<PageIndex> result(new PageIndex);
  result->place_ = {0, index.size(), 0, hashes.size()};
  result->hashes_ = hashes;
  STRATA_RETURN_IF_ERROR(result->Attach(index));
  return result;
}

// Reads the trailer first, then from where the directory starts, or from the first block.
absl::Status PageIndex::ReadFromSource(uint64_t keep_bytes) {
  if (place_.length < kIndexTrailerSize) return Damaged("length", kIndexTrailerSize, place_.length);
  if (place_.length <= keep_bytes) {
    kept_.resize(place_.length);
    STRATA_RETURN_IF_ERROR(source_->ReadAt(place_.offset, absl::MakeSpan(kept_)));
    return Attach(kept_);
  }
  uint8_t trailer[kIndexTrailerSize];
  const uint64_t trailer_offset = place_.offset + place_.length - kIndexTrailerSize;
  STRATA_RETURN_IF_ERROR(source_->ReadAt(trailer_offset, absl::MakeSpan(trailer)));
  STRATA_RETURN_IF_ERROR(CheckTrailer(trailer));
  const size_t length = block_count_ * kLineBytes + kIndexTrailerSize;
  kept_.resize(length);
  STRATA_RETURN_IF_ERROR(
      source_->ReadAt(place_.offset + place_.length - length, absl::MakeSpan(kept_)));
  return Attach(kept_);
}

// Takes the trailer's numbers over once they are possible.
absl::Status PageIndex::CheckTrailer(const uint8_t* trailer) {
  const uint32_t stored = LoadLittleEndian<uint32_t>(trailer + kTrailerChecksumAt);
  const uint32_t computed = io::Crc32c(0, io::ByteView(trailer, kTrailerChecksumAt));
  if (stored != computed) return Damaged("checksum of the trailer", stored, computed);
  entries_ = LoadLittleEndian<uint64_t>(trailer + kTrailerEntriesAt);
  block_count_ = LoadLittleEndian<uint32_t>(trailer + kTrailerBlocksAt);
  const uint64_t room =
      std::min(place_.length - kIndexTrailerSize, kMaxIndexDirectoryBytes) / kLineBytes;
  if (block_count_ > room) return Damaged("blocks at most", room, block_count_);
  if (entries_ > UINT32_MAX) return Damaged("pages at most", UINT32_MAX, entries_);
  if ((entries_ == 0) != (block_count_ == 0)) return Damaged("pages", block_count_, entries_);
  block_bytes_ = place_.length - kIndexTrailerSize - block_count_ * kLineBytes;
  const uint64_t hash_blocks = (entries_ + kIndexBlockEntries - 1) / kIndexBlockEntries;
  const uint64_t hashes_length = entries_ * 8 + hash_blocks * 4;
  if (place_.hashes_length != hashes_length) {
    return Damaged("length of the hash column", hashes_length, place_.hashes_length);
  }
  return absl::OkStatus();
}

// `bytes` end with directory and trailer; they start with the blocks when they are the whole index.
absl::Status PageIndex::Attach(io::ByteView bytes) {
  if (bytes.size() < kIndexTrailerSize) return Damaged("length", kIndexTrailerSize, bytes.size());
  const uint8_t* trailer = bytes.data() + bytes.size() - kIndexTrailerSize;
  STRATA_RETURN_IF_ERROR(CheckTrailer(trailer));
  const size_t directory_bytes = block_count_ * kLineBytes;
  first_pages_ = trailer - directory_bytes;
  descriptors_ = first_pages_ + 4 * block_count_;
  const uint32_t stored = LoadLittleEndian<uint32_t>(trailer + kTrailerDirectoryChecksumAt);
  const uint32_t computed = io::Crc32c(0, io::ByteView(first_pages_, directory_bytes));
  if (stored != computed) return Damaged("checksum of the directory", stored, computed);
  if (bytes.size() == place_.length) {
    blocks_ = bytes.first(block_bytes_);
    verified_ = std::make_unique<std::atomic<uint8_t>[]>(block_count_);
  }
  return CheckDirectory();
}

// Lines in order, and every block within the bytes: after this a lookup needs no bounds.
absl::Status PageIndex::CheckDirectory() const {
  uint64_t next_position = 0;
  uint64_t next_page = 1;
  uint64_t next_place = 0;
  for (size_t number = 0; number < block_count_; ++number) {
    const IndexBlock block = BlockAt(number);
    const uint64_t first_page = FirstPage(number);
    const uint64_t end = EndPosition(number);
    if (block.position != next_position) return Damaged("position", next_position, block.position);
    if (end <= next_position) return Damaged("position above", next_position, end);
    if (first_page < next_page) return Damaged("page at least", next_page, first_page);
    const uint64_t count = end - next_position;
    STRATA_RETURN_IF_ERROR(CheckBlock(block, first_page, count, next_place));
    const bool is_run = block.kind == IndexBlockKind::kRun;
    next_page = first_page + (is_run ? count : 1);
    next_position = end;
    next_place += IndexBlockBytes(block, count);
  }
  if (next_place != block_bytes_) return Damaged("bytes of blocks", next_place, block_bytes_);
  return absl::OkStatus();
}

absl::Status PageIndex::CheckBlock(const IndexBlock& block, uint64_t first_page, uint64_t count,
                                   uint64_t next_place) const {
  if (block.kind == IndexBlockKind::kRun) {
    const uint64_t last_page = first_page + count - 1;
    const uint64_t last_ordinal = block.place + count - 1;
    if (last_page > UINT32_MAX) return Damaged("last page at most", UINT32_MAX, last_page);
    if (last_ordinal > UINT32_MAX) return Damaged("ordinal at most", UINT32_MAX, last_ordinal);
    return absl::OkStatus();
  }
  const bool known =
      block.kind == IndexBlockKind::kPacked || block.kind == IndexBlockKind::kOrdered;
  if (!known) return Damaged("kind at most", 3, static_cast<uint64_t>(block.kind));
  if (count > kIndexBlockEntries) return Damaged("entries at most", kIndexBlockEntries, count);
  if (block.page_width > 32) return Damaged("width at most", 32, block.page_width);
  const int ordinal_limit = block.kind == IndexBlockKind::kOrdered ? 0 : 32;
  if (block.ordinal_width > ordinal_limit) {
    return Damaged("width at most", ordinal_limit, block.ordinal_width);
  }
  if (block.place != next_place) return Damaged("place", next_place, block.place);
  if (next_place + IndexBlockBytes(block, count) > block_bytes_) {
    return Damaged("end of block at most", block_bytes_,
                   next_place + IndexBlockBytes(block, count));
  }
  return absl::OkStatus();
}

IndexBlock PageIndex::BlockAt(size_t number) const {
  return DecodeIndexBlock(descriptors_ + number * kIndexDescriptorSize);
}

uint32_t PageIndex::FirstPage(size_t number) const {
  return LoadLittleEndian<uint32_t>(first_pages_ + 4 * number);
}

uint64_t PageIndex::EndPosition(size_t number) const {
  if (number + 1 == block_count_) return entries_;
  return LoadLittleEndian<uint32_t>(descriptors_ + (number + 1) * kIndexDescriptorSize);
}

absl::Status PageIndex::VerifyBlock(size_t number, const IndexBlock& block,
                                    io::ByteView bytes) const {
  const uint32_t computed = io::Crc32c(0, bytes);
  if (computed != block.checksum) {
    return Damaged(absl::StrCat("checksum of block ", number), block.checksum, computed);
  }
  return absl::OkStatus();
}

absl::StatusOr<const uint8_t*> PageIndex::BlockBytes(size_t number, const IndexBlock& block,
                                                     size_t count, uint8_t* scratch) const {
  const size_t length = IndexBlockBytes(block, count);
  if (verified_ == nullptr) {
    STRATA_RETURN_IF_ERROR(
        source_->ReadAt(place_.offset + block.place, io::MutableBytes(scratch, length)));
    STRATA_RETURN_IF_ERROR(VerifyBlock(number, block, io::ByteView(scratch, length)));
    return scratch;
  }
  const uint8_t* bytes = blocks_.data() + block.place;
  if (verified_[number].load(std::memory_order_relaxed) == 0) {
    STRATA_RETURN_IF_ERROR(VerifyBlock(number, block, io::ByteView(bytes, length)));
    verified_[number].store(1, std::memory_order_relaxed);
  }
  return bytes;
}

// The last block whose first page is at most `page`; there is one.
size_t PageIndex::FindBlock(uint32_t page) const {
  size_t low = 0;
  for (size_t count = block_count_; count > 1;) {
    const size_t half = count / 2;
    low = FirstPage(low + half) <= page ? low + half : low;
    count -= half;
  }
  return low;
}

absl::StatusOr<std::optional<uint32_t>> PageIndex::Find(PageNo page_no) const {
  const uint32_t page = page_no.value();
  if (block_count_ == 0 || page < FirstPage(0)) return std::nullopt;
  const size_t number = FindBlock(page);
  const IndexBlock block = BlockAt(number);
  const uint32_t delta = page - FirstPage(number);
  const size_t count = EndPosition(number) - block.position;
  if (block.kind == IndexBlockKind::kRun) {
    if (delta >= count) return std::nullopt;
    return block.place + delta;
  }
  uint8_t scratch[kMaxIndexBlockBytes + kUnpackSlack];
  STRATA_ASSIGN_OR_RETURN(const uint8_t* bytes, BlockBytes(number, block, count, scratch));
  const uint8_t* deltas = bytes + kBlockPrefixSize;
  size_t low = 0;
  for (size_t left = count; left > 1;) {
    const size_t half = left / 2;
    low = UnpackAt(deltas, block.page_width, low + half) <= delta ? low + half : low;
    left -= half;
  }
  if (UnpackAt(deltas, block.page_width, low) != delta) return std::nullopt;
  const uint32_t base = LoadLittleEndian<uint32_t>(bytes);
  if (block.kind == IndexBlockKind::kOrdered) return base + static_cast<uint32_t>(low);
  const uint8_t* ordinals = deltas + PackedBytes(count, block.page_width);
  return base + UnpackAt(ordinals, block.ordinal_width, low);
}

std::unique_ptr<PageIndexIterator> PageIndex::NewIterator() const {
  return std::make_unique<StoredIndexIterator>(this);
}

}  // namespace strata::segment
