#pragma once

#include <cstdint>
#include <vector>

#include "io/checksum.h"
#include "segment/index_block.h"

// For tests and fuzzers that want to reach what is behind the checksums of a page index.
namespace strata::segment {

// Recomputes the checksums of blocks, directory and trailer, as a hostile writer would.
inline void MakeIndexChecksumsRight(io::MutableBytes index) {
  if (index.size() < kIndexTrailerSize) return;
  const size_t room = index.size() - kIndexTrailerSize;
  uint8_t* trailer = index.data() + room;
  const uint64_t blocks = io::LoadLittleEndian<uint32_t>(trailer + kTrailerBlocksAt);
  const uint64_t directory = blocks * kIndexLineSize;
  if (directory <= room) {
    uint8_t* lines = trailer - directory;
    for (uint8_t* at = lines; at != trailer; at += kIndexLineSize) {
      IndexLine line = DecodeIndexLine(at);
      const size_t length = IndexBlockBytes(line);
      if (length == 0 || line.place + length > room - directory) continue;
      line.checksum = io::Crc32c(0, io::ByteView(index.data() + line.place, length));
      EncodeIndexLine(line, at);
    }
    const uint32_t crc = io::Crc32c(0, io::ByteView(lines, directory));
    io::StoreLittleEndian<uint32_t>(trailer + kTrailerDirectoryChecksumAt, crc);
  }
  const uint32_t crc = io::Crc32c(0, io::ByteView(trailer, kTrailerChecksumAt));
  io::StoreLittleEndian<uint32_t>(trailer + kTrailerChecksumAt, crc);
}

}  // namespace strata::segment
