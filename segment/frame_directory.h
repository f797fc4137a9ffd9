#pragma once

#include <cstdint>

#include "segment/segment_tail.h"

// The frame directory's bytes: lines of 32 bytes, a CRC-32C behind each 128 of them. Format:
// docs/segment_format.md, "Frame directory"; written in segment/segment_tail.cc, read in
// segment/segment_reader.cc.
namespace strata::segment {

constexpr size_t kDirectoryEntrySize = 32;
constexpr uint32_t kDirectoryBlockEntries = 128;
constexpr size_t kDirectoryBlockBytes = kDirectoryBlockEntries * kDirectoryEntrySize + 4;

// Ordinals are 32 bits, and `previous` is one more.
constexpr uint64_t kMaxFrames = UINT32_MAX - 1;

// Bytes of a directory of `frames` lines.
constexpr uint64_t DirectoryBytes(uint64_t frames) {
  const uint64_t blocks = (frames + kDirectoryBlockEntries - 1) / kDirectoryBlockEntries;
  return frames * kDirectoryEntrySize + blocks * 4;
}

void EncodeDirectoryEntry(const DirectoryEntry& entry, uint8_t* to);
DirectoryEntry DecodeDirectoryEntry(const uint8_t* from);

}  // namespace strata::segment
