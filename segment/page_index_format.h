#pragma once

#include <cstddef>
#include <cstdint>

#include "segment/bit_packing.h"

// Constants and lines of the page index that its builder and its readers share. Format:
// docs/segment_format.md, "Page index"; the bytes of a block are in segment/index_block.h.
namespace strata::segment {

constexpr uint32_t kIndexBlockEntries = 255;  // so that a position within a block is one byte
constexpr uint32_t kMinRunEntries = 32;       // shorter runs are not worth a line of their own
constexpr uint32_t kHashBlockEntries = 128;
constexpr size_t kHashBlockBytes = kHashBlockEntries * 8 + 4;
constexpr size_t kIndexLineSize = 20;
constexpr size_t kIndexTrailerSize = 24;
constexpr size_t kTrailerEntriesAt = 0;
constexpr size_t kTrailerBlocksAt = 8;
constexpr size_t kTrailerDirectoryChecksumAt = 12;
constexpr size_t kTrailerChecksumAt = 20;  // over the 20 bytes before it; 16 to 19 are zero

// A hostile index cannot ask for more memory than this; it holds the directory of a billion pages
// at random, or of any number in runs.
constexpr uint64_t kMaxIndexDirectoryBytes = 96ull << 20;

enum class IndexBlockKind : uint8_t {
  kRun = 1,      // pages and ordinals go up by one: no bytes but the line
  kBitmap = 2,   // a bit for each page between the first and the last
  kBuckets = 3,  // the low bits of each page, in buckets of equal ranges of pages
};

constexpr uint8_t kOrderedWidth = 0xFF;  // instead of an ordinal width: ordinals go up by one

// A line of the directory: one block.
struct IndexLine {
  uint32_t first_page = 0;
  uint32_t lowest_ordinal = 0;
  uint32_t place = 0;     // offset of the block from the start of the index; kRun: 0
  uint32_t checksum = 0;  // CRC-32C of the block's bytes; kRun: 0
  IndexBlockKind kind = IndexBlockKind::kRun;
  uint8_t page_shape = 0;     // kBitmap: number of cells; kBuckets: number of low bits; kRun: 0
  uint8_t ordinal_width = 0;  // bits of ordinal - lowest ordinal, or kOrderedWidth; kRun: 0
  uint32_t entries = 0;       // one byte; in a run it takes the place of the checksum
};

inline void EncodeIndexLine(const IndexLine& line, uint8_t* to) {
  const bool is_run = line.kind == IndexBlockKind::kRun;
  io::StoreLittleEndian<uint32_t>(to, line.first_page);
  io::StoreLittleEndian<uint32_t>(to + 4, line.lowest_ordinal);
  io::StoreLittleEndian<uint32_t>(to + 8, line.place);
  io::StoreLittleEndian<uint32_t>(to + 12, is_run ? line.entries : line.checksum);
  to[16] = static_cast<uint8_t>(line.kind);
  to[17] = line.page_shape;
  to[18] = line.ordinal_width;
  to[19] = is_run ? 0 : static_cast<uint8_t>(line.entries);
}

inline uint32_t FirstPageOfLine(const uint8_t* line) {
  return io::LoadLittleEndian<uint32_t>(line);
}

inline IndexLine DecodeIndexLine(const uint8_t* from) {
  IndexLine line;
  line.first_page = FirstPageOfLine(from);
  line.lowest_ordinal = io::LoadLittleEndian<uint32_t>(from + 4);
  line.place = io::LoadLittleEndian<uint32_t>(from + 8);
  const uint32_t checksum_or_entries = io::LoadLittleEndian<uint32_t>(from + 12);
  line.kind = static_cast<IndexBlockKind>(from[16]);
  line.page_shape = from[17];
  line.ordinal_width = from[18];
  const bool is_run = line.kind == IndexBlockKind::kRun;
  line.checksum = is_run ? 0 : checksum_or_entries;
  line.entries = is_run ? checksum_or_entries : from[19];
  return line;
}

}  // namespace strata::segment
