#pragma once

#include <cstddef>
#include <cstdint>

#include "segment/bit_packing.h"

// Constants and lines of the page index that its builder and its reader share. Format:
// docs/segment_format.md, "Page index".
namespace strata::segment {

constexpr uint32_t kIndexBlockEntries = 128;
constexpr uint32_t kMinRunEntries = 16;  // shorter runs are not worth a line in the directory
constexpr size_t kHashBlockBytes = kIndexBlockEntries * 8 + 4;
constexpr size_t kIndexDescriptorSize = 16;
constexpr size_t kIndexTrailerSize = 24;
constexpr size_t kTrailerEntriesAt = 0;
constexpr size_t kTrailerBlocksAt = 8;
constexpr size_t kTrailerDirectoryChecksumAt = 12;
constexpr size_t kTrailerChecksumAt = 20;  // over the 20 bytes before it; 16 to 19 are zero
constexpr size_t kBlockPrefixSize = 4;     // the base of the ordinals
constexpr size_t kMaxIndexBlockBytes = kBlockPrefixSize + 2 * kIndexBlockEntries * 4;

// A hostile index cannot ask for more memory than this; it holds the directory of half a billion
// pages at random, or of any number in runs.
constexpr uint64_t kMaxIndexDirectoryBytes = 96ull << 20;

enum class IndexBlockKind : uint8_t {
  kRun = 1,      // pages and ordinals go up by one: no bytes but the descriptor
  kPacked = 2,   // both columns packed
  kOrdered = 3,  // pages packed; ordinals go up by one
};

// A descriptor; the block's number of entries follows from the position of the next one.
struct IndexBlock {
  uint32_t position = 0;  // of the first entry in the whole index
  uint32_t place = 0;     // kRun: ordinal of the first entry; otherwise offset of the block's bytes
  uint32_t checksum = 0;  // CRC-32C of the block's bytes; kRun: 0
  IndexBlockKind kind = IndexBlockKind::kRun;
  uint8_t page_width = 0;     // bits for page - first page
  uint8_t ordinal_width = 0;  // bits for ordinal - base
};

inline void EncodeIndexBlock(const IndexBlock& block, uint8_t* to) {
  io::StoreLittleEndian<uint32_t>(to, block.position);
  io::StoreLittleEndian<uint32_t>(to + 4, block.place);
  io::StoreLittleEndian<uint32_t>(to + 8, block.checksum);
  to[12] = static_cast<uint8_t>(block.kind);
  to[13] = block.page_width;
  to[14] = block.ordinal_width;
  to[15] = 0;
}

inline IndexBlock DecodeIndexBlock(const uint8_t* from) {
  IndexBlock block;
  block.position = io::LoadLittleEndian<uint32_t>(from);
  block.place = io::LoadLittleEndian<uint32_t>(from + 4);
  block.checksum = io::LoadLittleEndian<uint32_t>(from + 8);
  block.kind = static_cast<IndexBlockKind>(from[12]);
  block.page_width = from[13];
  block.ordinal_width = from[14];
  return block;
}

// Bytes of a block with `count` entries.
constexpr size_t IndexBlockBytes(const IndexBlock& block, size_t count) {
  if (block.kind == IndexBlockKind::kRun) return 0;
  return kBlockPrefixSize + PackedBytes(count, block.page_width) +
         PackedBytes(count, block.ordinal_width);
}

}  // namespace strata::segment
