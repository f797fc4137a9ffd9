#include "segment/page_index.h"

#include <algorithm>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/index_block.h"
#include "segment/page_index_iterator.h"

namespace strata::segment {

using io::LoadLittleEndian;

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
  const size_t length = block_count_ * kIndexLineSize + kIndexTrailerSize;
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
      std::min(place_.length - kIndexTrailerSize, kMaxIndexDirectoryBytes) / kIndexLineSize;
  if (block_count_ > room) return Damaged("blocks at most", room, block_count_);
  if (entries_ > UINT32_MAX) return Damaged("pages at most", UINT32_MAX, entries_);
  block_bytes_ = place_.length - kIndexTrailerSize - block_count_ * kIndexLineSize;
  const uint64_t hash_blocks = (entries_ + kHashBlockEntries - 1) / kHashBlockEntries;
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
  const size_t directory_bytes = block_count_ * kIndexLineSize;
  const uint8_t* lines = trailer - directory_bytes;
  const uint32_t stored = LoadLittleEndian<uint32_t>(trailer + kTrailerDirectoryChecksumAt);
  const uint32_t computed = io::Crc32c(0, io::ByteView(lines, directory_bytes));
  if (stored != computed) return Damaged("checksum of the directory", stored, computed);
  const absl::Status attached = directory_.Attach(lines, block_count_, entries_, block_bytes_);
  if (!attached.ok()) {
    return absl::DataLossError(absl::StrCat(name_, ": page index at offset ", place_.offset,
                                            ": directory: ", attached.message()));
  }
  if (bytes.size() == place_.length) {
    blocks_ = bytes.first(block_bytes_);
    verified_ = std::make_unique<std::atomic<uint8_t>[]>(block_count_);
  }
  return absl::OkStatus();
}

// Checks and decodes the block of a line; kUnpackSlack bytes behind it are readable.
absl::Status PageIndex::DecodeBlock(size_t number, const IndexLine& line, const uint8_t* block,
                                    DecodedBlock* out) const {
  const uint32_t computed = io::Crc32c(0, io::ByteView(block, IndexBlockBytes(line)));
  if (computed != line.checksum) {
    return Damaged(absl::StrCat("checksum of block ", number), line.checksum, computed);
  }
  const absl::Status decoded = DecodeIndexBlock(line, block, directory_.PageLimit(number), out);
  if (decoded.ok()) return decoded;
  return absl::DataLossError(absl::StrCat(name_, ": page index at offset ", place_.offset,
                                          ": block ", number, ": ", decoded.message()));
}

absl::Status PageIndex::VerifyInMemory(size_t number, const IndexLine& line) const {
  DecodedBlock decoded;
  STRATA_RETURN_IF_ERROR(DecodeBlock(number, line, blocks_.data() + line.place, &decoded));
  verified_[number].store(1, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<uint32_t>> PageIndex::FindInFetched(size_t number,
                                                                 const IndexLine& line,
                                                                 uint32_t delta) const {
  uint8_t block[kMaxIndexBlockBytes + kUnpackSlack];
  STRATA_RETURN_IF_ERROR(
      source_->ReadAt(place_.offset + line.place, io::MutableBytes(block, IndexBlockBytes(line))));
  DecodedBlock decoded;
  STRATA_RETURN_IF_ERROR(DecodeBlock(number, line, block, &decoded));
  return FindInBlock(line, block, delta);
}

absl::StatusOr<std::optional<uint32_t>> PageIndex::Find(PageNo page_no) const {
  const uint32_t page = page_no.value();
  if (directory_.size() == 0 || page < directory_.FirstPage(0)) return std::nullopt;
  const size_t number = directory_.Find(page);
  const IndexLine line = directory_.Line(number);
  const uint32_t delta = page - line.first_page;
  if (line.kind == IndexBlockKind::kRun) {
    if (delta >= line.entries) return std::nullopt;
    return line.lowest_ordinal + delta;
  }
  if (!blocks_in_memory()) return FindInFetched(number, line, delta);
  if (ABSL_PREDICT_FALSE(verified_[number].load(std::memory_order_relaxed) == 0)) {
    STRATA_RETURN_IF_ERROR(VerifyInMemory(number, line));
  }
  return FindInBlock(line, blocks_.data() + line.place, delta);
}

std::unique_ptr<PageIndexIterator> PageIndex::NewIterator() const {
  return std::make_unique<StoredIndexIterator>(this);
}

}  // namespace strata::segment
