#include "segment/page_index_builder.h"

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/index_block.h"

namespace strata::segment {
namespace {

using io::StoreLittleEndian;

constexpr size_t kBufferBytes = 64 << 10;

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
  const bool follows = page == last_page_ + 1 && entry.ordinal == uint64_t{last_ordinal_} + 1;
  if (in_run_ && !follows) EndRun();
  last_page_ = page;
  last_ordinal_ = entry.ordinal;
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
  run_.first_page = pages_[before];
  run_.lowest_ordinal = ordinals_[before];
  filled_ = 0;
  return before == 0 ? absl::OkStatus() : FlushBlock(before);
}

void PageIndexBuilder::EndRun() {
  run_.entries = last_page_ - run_.first_page + 1;
  AddLine(run_);
  in_run_ = false;
}

void PageIndexBuilder::AddLine(const IndexLine& line) {
  lines_.resize(lines_.size() + kIndexLineSize);
  EncodeIndexLine(line, lines_.data() + lines_.size() - kIndexLineSize);
}

absl::Status PageIndexBuilder::FlushBlock(size_t count) {
  if (index_bytes_ > UINT32_MAX - kMaxIndexBlockBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("page index: more than 4 GiB of blocks up to page ", last_page_));
  }
  const size_t start = buffer_.size();
  IndexLine line = EncodeIndexBlock(absl::MakeConstSpan(pages_.data(), count),
                                    absl::MakeConstSpan(ordinals_.data(), count), &buffer_);
  line.place = static_cast<uint32_t>(index_bytes_);
  index_bytes_ += buffer_.size() - start;
  AddLine(line);
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
  const size_t blocks = lines_.size() / kIndexLineSize;
  if (lines_.size() > kMaxIndexDirectoryBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("page index: ", blocks, " blocks are more than a directory may hold"));
  }
  uint8_t trailer[kIndexTrailerSize] = {};
  StoreLittleEndian<uint64_t>(trailer + kTrailerEntriesAt, entries_);
  StoreLittleEndian<uint32_t>(trailer + kTrailerBlocksAt, static_cast<uint32_t>(blocks));
  StoreLittleEndian<uint32_t>(trailer + kTrailerDirectoryChecksumAt, io::Crc32c(0, lines_));
  StoreLittleEndian<uint32_t>(trailer + kTrailerChecksumAt,
                              io::Crc32c(0, io::ByteView(trailer, kTrailerChecksumAt)));
  STRATA_RETURN_IF_ERROR(sink_->Append(lines_));
  index_bytes_ += lines_.size() + kIndexTrailerSize;
  return sink_->Append(trailer);
}

}  // namespace strata::segment
