#include "segment/page_index_builder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::segment {
namespace {

using io::StoreLittleEndian;

constexpr size_t kBufferBytes = 64 << 10;

void AppendWord(uint32_t value, std::vector<uint8_t>* out) {
  out->resize(out->size() + 4);
  StoreLittleEndian<uint32_t>(out->data() + out->size() - 4, value);
}

}  // namespace

absl::Status HashColumnBuilder::Flush() {
  const size_t length = 8 * filled_;
  StoreLittleEndian<uint32_t>(block_.data() + length,
                              io::Crc32c(0, io::ByteView(block_.data(), length)));
  filled_ = 0;
  bytes_ += length + 4;
  return sink_->Append(io::ByteView(block_.data(), length + 4));
}

PageIndexBuilder::PageIndexBuilder(io::ByteSink* index, io::ByteSink* hashes)
    : sink_(index), hashes_(hashes) {}

absl::Status PageIndexBuilder::Add(const PageIndexEntry& entry) {
  const uint32_t page = entry.page.value();
  if (page <= last_page_) {
    return absl::InvalidArgumentError(
        absl::StrCat("page index: expected a page above ", last_page_, ", found ", page));
  }
  STRATA_RETURN_IF_ERROR(hashes_.Add(entry.page_hash));
  const bool follows = page == last_page_ + 1 && entry.ordinal == last_ordinal_ + 1;
  last_page_ = page;
  last_ordinal_ = entry.ordinal;
  if (in_run_ && !follows) EndRun();
  ++entries_;
  if (in_run_) return absl::OkStatus();

  consecutive_ = follows && filled_ > 0 ? consecutive_ + 1 : 1;
  pages_[filled_] = page;
  ordinals_[filled_] = entry.ordinal;
  ++filled_;
  if (consecutive_ == kMinRunEntries) return StartRun();
  return filled_ == kIndexBlockEntries ? FlushBlock(filled_) : absl::OkStatus();
}

// What stands before the run becomes a block of its own.
absl::Status PageIndexBuilder::StartRun() {
  const size_t before = filled_ - kMinRunEntries;
  in_run_ = true;
  run_first_page_ = pages_[before];
  run_first_ordinal_ = ordinals_[before];
  filled_ = 0;
  return before == 0 ? absl::OkStatus() : FlushBlock(before);
}

// The run is all that was added since the last block.
void PageIndexBuilder::EndRun() {
  IndexBlock block;
  block.kind = IndexBlockKind::kRun;
  block.place = run_first_ordinal_;
  AddDescriptor(run_first_page_, block);
  described_ = entries_;
  in_run_ = false;
}

void PageIndexBuilder::AddDescriptor(uint32_t first_page, IndexBlock block) {
  block.position = static_cast<uint32_t>(described_);
  AppendWord(first_page, &first_pages_);
  descriptors_.resize(descriptors_.size() + kIndexDescriptorSize);
  EncodeIndexBlock(block, descriptors_.data() + descriptors_.size() - kIndexDescriptorSize);
}

absl::Status PageIndexBuilder::FlushBlock(size_t count) {
  if (index_bytes_ > UINT32_MAX - kMaxIndexBlockBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("page index: more than 4 GiB of blocks after ", described_, " pages"));
  }
  const uint32_t first_page = pages_[0];
  const uint32_t highest_delta = pages_[count - 1] - first_page;
  const auto [lowest, highest] =
      std::minmax_element(ordinals_.begin(), ordinals_.begin() + static_cast<ptrdiff_t>(count));
  const uint32_t base = *lowest;
  const uint32_t highest_ordinal = *highest - base;
  bool ordered = ordinals_[0] == base && highest_ordinal == count - 1;
  for (size_t i = 0; i < count; ++i) {
    pages_[i] -= first_page;
    ordinals_[i] -= base;
    ordered = ordered && ordinals_[i] == i;
  }
  IndexBlock block;
  block.kind = ordered ? IndexBlockKind::kOrdered : IndexBlockKind::kPacked;
  block.place = static_cast<uint32_t>(index_bytes_);
  block.page_width = BitWidth(highest_delta);
  block.ordinal_width = ordered ? 0 : BitWidth(highest_ordinal);

  const size_t start = buffer_.size();
  AppendWord(base, &buffer_);
  PackInto(absl::MakeConstSpan(pages_.data(), count), block.page_width, &buffer_);
  if (!ordered) {
    PackInto(absl::MakeConstSpan(ordinals_.data(), count), block.ordinal_width, &buffer_);
  }
  const io::ByteView bytes = io::ByteView(buffer_).subspan(start);
  block.checksum = io::Crc32c(0, bytes);
  index_bytes_ += bytes.size();
  AddDescriptor(first_page, block);
  described_ += count;
  filled_ = 0;
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : FlushBuffer();
}

absl::Status PageIndexBuilder::FlushBuffer() {
  STRATA_RETURN_IF_ERROR(sink_->Append(buffer_));
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status PageIndexBuilder::Finish() {
  if (in_run_) EndRun();
  if (filled_ > 0) STRATA_RETURN_IF_ERROR(FlushBlock(filled_));
  STRATA_RETURN_IF_ERROR(hashes_.Finish());
  STRATA_RETURN_IF_ERROR(FlushBuffer());
  const size_t blocks = first_pages_.size() / 4;
  if (first_pages_.size() + descriptors_.size() > kMaxIndexDirectoryBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("page index: ", blocks, " blocks are more than a directory may hold"));
  }
  uint8_t trailer[kIndexTrailerSize] = {};
  StoreLittleEndian<uint64_t>(trailer + kTrailerEntriesAt, entries_);
  StoreLittleEndian<uint32_t>(trailer + kTrailerBlocksAt, static_cast<uint32_t>(blocks));
  StoreLittleEndian<uint32_t>(trailer + kTrailerDirectoryChecksumAt,
                              io::Crc32c(io::Crc32c(0, first_pages_), descriptors_));
  StoreLittleEndian<uint32_t>(trailer + kTrailerChecksumAt,
                              io::Crc32c(0, io::ByteView(trailer, kTrailerChecksumAt)));
  STRATA_RETURN_IF_ERROR(sink_->Append(first_pages_));
  STRATA_RETURN_IF_ERROR(sink_->Append(descriptors_));
  index_bytes_ += first_pages_.size() + descriptors_.size() + kIndexTrailerSize;
  return sink_->Append(trailer);
}

}  // namespace strata::segment
