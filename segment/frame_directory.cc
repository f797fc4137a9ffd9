#include "segment/frame_directory.h"

namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr size_t kFrameAt = 0;
constexpr size_t kOffsetAt = 8;
constexpr size_t kPageAt = 16;
constexpr size_t kStoredLengthAt = 20;
constexpr size_t kPreviousAt = 24;
constexpr size_t kCodecAt = 28;
constexpr size_t kFlagsAt = 29;  // bit 0: commit
constexpr size_t kReservedAt = 30;

}  // namespace

void EncodeDirectoryEntry(const DirectoryEntry& entry, uint8_t* to) {
  StoreLittleEndian<uint64_t>(to + kFrameAt, entry.frame.value());
  StoreLittleEndian<uint64_t>(to + kOffsetAt, entry.offset);
  StoreLittleEndian<uint32_t>(to + kPageAt, entry.page.value());
  StoreLittleEndian<uint32_t>(to + kStoredLengthAt, entry.stored_length);
  StoreLittleEndian<uint32_t>(to + kPreviousAt, entry.previous);
  to[kCodecAt] = static_cast<uint8_t>(entry.codec);
  to[kFlagsAt] = entry.is_commit ? 1 : 0;
  StoreLittleEndian<uint16_t>(to + kReservedAt, 0);
}

DirectoryEntry DecodeDirectoryEntry(const uint8_t* from) {
  DirectoryEntry entry;
  entry.frame = FrameNo(LoadLittleEndian<uint64_t>(from + kFrameAt));
  entry.offset = LoadLittleEndian<uint64_t>(from + kOffsetAt);
  entry.page = PageNo(LoadLittleEndian<uint32_t>(from + kPageAt));
  entry.stored_length = LoadLittleEndian<uint32_t>(from + kStoredLengthAt);
  entry.previous = LoadLittleEndian<uint32_t>(from + kPreviousAt);
  entry.codec = static_cast<Codec>(from[kCodecAt]);
  entry.is_commit = (from[kFlagsAt] & 1) != 0;
  return entry;
}

}  // namespace strata::segment
