#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "io/bytes.h"
#include "segment/page_index_format.h"

// One block of a page index: at most kIndexBlockEntries pages and their ordinals. Format:
// docs/segment_format.md, "Page index"; tested in tests/segment/page_index_test.cc.
namespace strata::segment {

constexpr size_t kCellBytes = 9;  // of a bitmap: entries in the cells before; 64 pages
constexpr size_t kCellPages = 64;
constexpr size_t kMaxCells = 255;
constexpr size_t kMaxBuckets = 64;
constexpr uint8_t kMaxLowWidth = 32;

// About four entries a bucket when the block is full, at most eight.
constexpr uint32_t BucketsOf(uint32_t entries) {
  return entries < 8 ? 1 : std::bit_ceil(entries) / 4;
}

constexpr size_t OrdinalColumnBytes(const IndexLine& line) {
  return line.ordinal_width == kOrderedWidth ? 0 : PackedBytes(line.entries, line.ordinal_width);
}

// Bytes of what tells the pages, with which a block starts.
constexpr size_t PagePartBytes(const IndexLine& line) {
  if (line.kind == IndexBlockKind::kBitmap) return line.page_shape * kCellBytes;
  return BucketsOf(line.entries) + 1 + PackedBytes(line.entries, line.page_shape);
}

// All bytes of a block; 0 of a run.
constexpr size_t IndexBlockBytes(const IndexLine& line) {
  if (line.kind == IndexBlockKind::kRun) return 0;
  return PagePartBytes(line) + OrdinalColumnBytes(line);
}

constexpr size_t kMaxIndexBlockBytes =
    kMaxBuckets + 1 + kMaxCells * kCellBytes + 4 * kIndexBlockEntries;

// Appends the block that holds `pages` (ascending) and their `ordinals`, of 1 to kIndexBlockEntries
// entries, in its smallest form. Its line lacks only the place.
IndexLine EncodeIndexBlock(absl::Span<const uint32_t> pages, absl::Span<const uint32_t> ordinals,
                           std::vector<uint8_t>* out);

// What a block says, entry by entry.
struct DecodedBlock {
  uint32_t pages[kIndexBlockEntries];
  uint32_t ordinals[kIndexBlockEntries];
};

// Decodes a block (no run) with kUnpackSlack readable bytes behind it. DataLoss, with what is
// wrong, unless all its pages go up from line.first_page, end below `page_limit` and are as many as
// the line says, and FindInBlock would find each: after this a lookup needs no bounds.
absl::Status DecodeIndexBlock(const IndexLine& line, const uint8_t* block, uint64_t page_limit,
                              DecodedBlock* out);

// Bits set in a word, without relying on an instruction that not every x86-64 has.
inline uint32_t CountBits(uint64_t bits) {
  bits -= bits >> 1 & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return static_cast<uint32_t>(bits * 0x0101010101010101 >> 56);
}

constexpr uint32_t kNotInBlock = UINT32_MAX;

// Position of page first_page + delta in a bitmap, with which `block` starts.
inline uint32_t FindInBitmap(const uint8_t* block, uint32_t cells, uint32_t delta) {
  const uint32_t number = delta / kCellPages;
  if (number >= cells) return kNotInBlock;
  const uint8_t* cell = block + number * kCellBytes;
  const uint64_t bits = io::LoadLittleEndian<uint64_t>(cell + 1);
  const uint64_t bit = uint64_t{1} << delta % kCellPages;
  return (bits & bit) == 0 ? kNotInBlock : cell[0] + CountBits(bits & (bit - 1));
}

// The same in buckets.
inline uint32_t FindInBuckets(const IndexLine& line, const uint8_t* block, uint32_t delta) {
  const uint32_t buckets = BucketsOf(line.entries);
  const uint64_t bucket = uint64_t{delta} >> line.page_shape;
  if (bucket >= buckets) return kNotInBlock;
  const uint8_t* column = block + buckets + 1;
  const uint64_t low = delta - (bucket << line.page_shape);
  uint32_t begin = block[bucket];
  uint32_t end = block[bucket + 1];
  while (end - begin > 4) {
    const uint32_t middle = begin + (end - begin) / 2;
    (UnpackAt(column, line.page_shape, middle) <= low ? begin : end) = middle;
  }
  for (; begin < end; ++begin) {
    if (UnpackAt(column, line.page_shape, begin) == low) return begin;
  }
  return kNotInBlock;
}

// Ordinal of page first_page + delta in a block that DecodeIndexBlock found right.
inline std::optional<uint32_t> FindInBlock(const IndexLine& line, const uint8_t* block,
                                           uint32_t delta) {
  const uint32_t position = line.kind == IndexBlockKind::kBitmap
                                ? FindInBitmap(block, line.page_shape, delta)
                                : FindInBuckets(line, block, delta);
  if (position == kNotInBlock) return std::nullopt;
  if (line.ordinal_width == kOrderedWidth) return line.lowest_ordinal + position;
  return line.lowest_ordinal + UnpackAt(block + PagePartBytes(line), line.ordinal_width, position);
}

}  // namespace strata::segment
