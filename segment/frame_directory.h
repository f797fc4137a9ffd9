#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "segment/segment_tail.h"

// The frame directory's bytes: blocks of 128 lines, a CRC-32C behind each. Format:
// docs/segment_format.md, "Frame directory"; written in segment/segment_tail.cc, read in
// segment/segment_reader.cc, tested in tests/segment/segment_round_trip_test.cc.
namespace strata::segment {

constexpr size_t kDirectoryEntrySize = 32;
constexpr uint32_t kDirectoryBlockEntries = 128;

// With kDenseLayout: 16 bytes a line, behind 16 that a block begins with.
constexpr size_t kDenseEntrySize = 16;
constexpr size_t kDenseBlockHeaderSize = 16;

// Frames of one dense block lie at most this far apart.
constexpr uint64_t kMaxDenseFrameSpan = (uint64_t{1} << 40) - 1;

// Ordinals are 32 bits, and `previous` is one more.
constexpr uint64_t kMaxFrames = UINT32_MAX - 1;

// Bytes of a block of `lines` without its checksum.
constexpr size_t DirectoryBlockBytes(uint64_t lines, bool is_dense) {
  return is_dense ? kDenseBlockHeaderSize + lines * kDenseEntrySize : lines * kDirectoryEntrySize;
}
constexpr size_t kLargestDirectoryBlock = kDirectoryBlockEntries * kDirectoryEntrySize + 4;

// Offset of block `number` in the directory.
constexpr uint64_t DirectoryBlockAt(uint64_t number, bool is_dense) {
  return number * (DirectoryBlockBytes(kDirectoryBlockEntries, is_dense) + 4);
}

// Bytes of a directory of `frames` lines.
constexpr uint64_t DirectoryBytes(uint64_t frames, bool is_dense) {
  const uint64_t rest = frames % kDirectoryBlockEntries;
  return DirectoryBlockAt(frames / kDirectoryBlockEntries, is_dense) +
         (rest == 0 ? 0 : DirectoryBlockBytes(rest, is_dense) + 4);
}

void EncodeDirectoryEntry(const DirectoryEntry& entry, uint8_t* to);
DirectoryEntry DecodeDirectoryEntry(const uint8_t* from);

// Appends a block with its checksum. InvalidArgument: frames too far apart for a dense one.
absl::Status EncodeDirectoryBlock(absl::Span<const DirectoryEntry> entries, bool is_dense,
                                  std::vector<uint8_t>* out);

// Appends the entries of a block of `lines`; `block` comes without its checksum.
void DecodeDirectoryBlock(io::ByteView block, uint64_t lines, bool is_dense,
                          std::vector<DirectoryEntry>* entries);

}  // namespace strata::segment
