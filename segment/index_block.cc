#include "segment/index_block.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"

namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

absl::Status Wrong(absl::string_view what, uint64_t expected, uint64_t found) {
  return absl::DataLossError(absl::StrCat(what, ": expected ", expected, ", found ", found));
}

// Grows `out` by `length` zero bytes and returns where they start.
uint8_t* Grow(size_t length, std::vector<uint8_t>* out) {
  out->resize(out->size() + length);
  return out->data() + out->size() - length;
}

void EncodeBitmap(absl::Span<const uint32_t> pages, uint32_t cells, std::vector<uint8_t>* out) {
  uint8_t* cell = Grow(cells * kCellBytes, out);
  size_t next = 0;
  for (uint64_t end = uint64_t{pages[0]} + kCellPages; next < pages.size(); end += kCellPages) {
    cell[0] = static_cast<uint8_t>(next);
    uint64_t bits = 0;
    for (; next < pages.size() && pages[next] < end; ++next) {
      bits |= uint64_t{1} << (pages[next] - (end - kCellPages));
    }
    StoreLittleEndian<uint64_t>(cell + 1, bits);
    cell += kCellBytes;
  }
}

void EncodeBuckets(absl::Span<const uint32_t> pages, uint8_t low_width, std::vector<uint8_t>* out) {
  const uint32_t buckets = BucketsOf(static_cast<uint32_t>(pages.size()));
  uint8_t* starts = Grow(buckets + 1, out);
  uint32_t lows[kIndexBlockEntries];
  uint32_t bucket = 0;
  for (size_t i = 0; i < pages.size(); ++i) {
    const uint64_t delta = pages[i] - pages[0];
    const uint64_t high = delta >> low_width;
    while (bucket < high) starts[++bucket] = static_cast<uint8_t>(i);
    lows[i] = static_cast<uint32_t>(delta - (high << low_width));
  }
  while (bucket < buckets) starts[++bucket] = static_cast<uint8_t>(pages.size());
  PackInto(absl::MakeConstSpan(lows, pages.size()), low_width, out);
}

void EncodePages(absl::Span<const uint32_t> pages, IndexLine* line, std::vector<uint8_t>* out) {
  const uint32_t last_delta = pages.back() - pages[0];
  const uint32_t cells = last_delta / kCellPages + 1;
  const int low_width = BitWidth(last_delta) - BitWidth(BucketsOf(line->entries) - 1);
  line->kind = IndexBlockKind::kBuckets;
  line->page_shape = static_cast<uint8_t>(std::max(low_width, 0));
  if (cells > kMaxCells || cells * kCellBytes > PagePartBytes(*line)) {
    return EncodeBuckets(pages, line->page_shape, out);
  }
  line->kind = IndexBlockKind::kBitmap;
  line->page_shape = static_cast<uint8_t>(cells);
  EncodeBitmap(pages, cells, out);
}

// No column when they go up by one.
void EncodeOrdinals(absl::Span<const uint32_t> ordinals, IndexLine* line,
                    std::vector<uint8_t>* out) {
  uint32_t lowest = ordinals[0];
  uint32_t highest = ordinals[0];
  bool ordered = true;
  for (size_t i = 1; i < ordinals.size(); ++i) {
    lowest = std::min(lowest, ordinals[i]);
    highest = std::max(highest, ordinals[i]);
    ordered &= ordinals[i] == ordinals[i - 1] + 1;
  }
  ordered = ordered && highest - lowest == ordinals.size() - 1;
  line->lowest_ordinal = lowest;
  line->ordinal_width = ordered ? kOrderedWidth : BitWidth(highest - lowest);
  if (ordered) return;
  uint32_t above[kIndexBlockEntries];
  for (size_t i = 0; i < ordinals.size(); ++i) above[i] = ordinals[i] - lowest;
  PackInto(absl::MakeConstSpan(above, ordinals.size()), line->ordinal_width, out);
}

// Both decoders put first_page + delta into pages[0..entries).
absl::Status DecodeBitmap(const IndexLine& line, const uint8_t* block, DecodedBlock* out) {
  uint32_t position = 0;
  for (uint32_t number = 0; number < line.page_shape; ++number) {
    const uint8_t* cell = block + number * kCellBytes;
    if (cell[0] != position) return Wrong("entries before a cell", position, cell[0]);
    uint64_t bits = LoadLittleEndian<uint64_t>(cell + 1);
    const uint32_t after = position + CountBits(bits);
    if (after > line.entries) return Wrong("entries at most", line.entries, after);
    const uint32_t base = line.first_page + static_cast<uint32_t>(number * kCellPages);
    for (; position < after; ++position, bits &= bits - 1) {
      out->pages[position] = base + static_cast<uint32_t>(std::countr_zero(bits));
    }
  }
  return position == line.entries ? absl::OkStatus() : Wrong("entries", line.entries, position);
}

absl::Status DecodeBuckets(const IndexLine& line, const uint8_t* block, DecodedBlock* out) {
  const uint32_t buckets = BucketsOf(line.entries);
  const uint8_t* column = block + buckets + 1;
  if (block[0] != 0) return Wrong("start of the first bucket", 0, block[0]);
  for (uint32_t bucket = 0; bucket < buckets; ++bucket) {
    const uint32_t end = block[bucket + 1];
    if (end < block[bucket] || end > line.entries) {
      return Wrong("end of a bucket at most", line.entries, end);
    }
    const uint64_t base = line.first_page + (uint64_t{bucket} << line.page_shape);
    for (uint32_t i = block[bucket]; i < end; ++i) {
      const uint64_t page = base + UnpackAt(column, line.page_shape, i);
      if (page > UINT32_MAX) return Wrong("page at most", UINT32_MAX, page);
      out->pages[i] = static_cast<uint32_t>(page);
    }
  }
  if (block[buckets] != line.entries) return Wrong("entries", line.entries, block[buckets]);
  return absl::OkStatus();
}

absl::Status CheckPages(const IndexLine& line, uint64_t page_limit, const DecodedBlock& block) {
  if (block.pages[0] != line.first_page) {
    return Wrong("first page", line.first_page, block.pages[0]);
  }
  bool ascending = true;
  for (uint32_t i = 1; i < line.entries; ++i) ascending &= block.pages[i] > block.pages[i - 1];
  if (!ascending) return absl::DataLossError("pages do not ascend");
  const uint32_t last = block.pages[line.entries - 1];
  return last < page_limit ? absl::OkStatus() : Wrong("last page below", page_limit, last);
}

void DecodeOrdinals(const IndexLine& line, const uint8_t* block, DecodedBlock* out) {
  const uint32_t lowest = line.lowest_ordinal;
  if (line.ordinal_width == kOrderedWidth) {
    for (uint32_t i = 0; i < line.entries; ++i) out->ordinals[i] = lowest + i;
    return;
  }
  const uint8_t* column = block + PagePartBytes(line);
  for (uint32_t i = 0; i < line.entries; ++i) {
    out->ordinals[i] = lowest + UnpackAt(column, line.ordinal_width, i);
  }
}

}  // namespace

IndexLine EncodeIndexBlock(absl::Span<const uint32_t> pages, absl::Span<const uint32_t> ordinals,
                           std::vector<uint8_t>* out) {
  const size_t start = out->size();
  IndexLine line;
  line.first_page = pages[0];
  line.entries = static_cast<uint32_t>(pages.size());
  EncodePages(pages, &line, out);
  EncodeOrdinals(ordinals, &line, out);
  line.checksum = io::Crc32c(0, io::ByteView(*out).subspan(start));
  return line;
}

absl::Status DecodeIndexBlock(const IndexLine& line, const uint8_t* block, uint64_t page_limit,
                              DecodedBlock* out) {
  const absl::Status pages = line.kind == IndexBlockKind::kBitmap ? DecodeBitmap(line, block, out)
                                                                  : DecodeBuckets(line, block, out);
  if (!pages.ok()) return pages;
  const absl::Status checked = CheckPages(line, page_limit, *out);
  if (checked.ok()) DecodeOrdinals(line, block, out);
  return checked;
}

}  // namespace strata::segment
