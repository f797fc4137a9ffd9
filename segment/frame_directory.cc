#include "segment/frame_directory.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/dense_record.h"

// Format: docs/segment_format.md, "Frame directory".
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
constexpr size_t kSlotAt = 30;
constexpr size_t kReservedAt = 31;

// Of a dense block, and of its lines.
constexpr size_t kBlockOffsetAt = 0;
constexpr size_t kBlockFrameAt = 8;
constexpr size_t kDensePageAt = 0;
constexpr size_t kDensePreviousAt = 4;
constexpr size_t kDenseFieldsAt = 8;

// The last 8 bytes of a dense line, from the lowest bit: frame - the block's smallest, stored
// length, codec, commit, dictionary slot.
constexpr int kLengthShift = 40;
constexpr int kCodecShift = 57;
constexpr int kCommitShift = 60;
constexpr int kSlotShift = 61;
constexpr uint64_t kLengthMask = (1 << 17) - 1;

void EncodeDenseLine(const DirectoryEntry& entry, uint64_t smallest_frame, uint8_t* to) {
  const uint64_t fields =
      (entry.frame.value() - smallest_frame) | uint64_t{entry.stored_length} << kLengthShift |
      static_cast<uint64_t>(entry.codec) << kCodecShift |
      uint64_t{entry.is_commit} << kCommitShift | uint64_t{entry.dictionary_slot} << kSlotShift;
  StoreLittleEndian<uint32_t>(to + kDensePageAt, entry.page.value());
  StoreLittleEndian<uint32_t>(to + kDensePreviousAt, entry.previous);
  StoreLittleEndian<uint64_t>(to + kDenseFieldsAt, fields);
}

DirectoryEntry DecodeDenseLine(const uint8_t* from, uint64_t smallest_frame, uint64_t offset) {
  const uint64_t fields = LoadLittleEndian<uint64_t>(from + kDenseFieldsAt);
  DirectoryEntry entry;
  entry.frame = FrameNo(smallest_frame + (fields & kMaxDenseFrameSpan));
  entry.page = PageNo(LoadLittleEndian<uint32_t>(from + kDensePageAt));
  entry.offset = offset;
  entry.stored_length = static_cast<uint32_t>(fields >> kLengthShift & kLengthMask);
  entry.previous = LoadLittleEndian<uint32_t>(from + kDensePreviousAt);
  entry.codec = static_cast<Codec>(fields >> kCodecShift & 7);
  entry.is_commit = (fields >> kCommitShift & 1) != 0;
  entry.dictionary_slot = static_cast<uint8_t>(fields >> kSlotShift & 3);
  return entry;
}

absl::Status AppendDenseBlock(absl::Span<const DirectoryEntry> entries, std::vector<uint8_t>* out) {
  const auto [lowest, highest] = std::minmax_element(
      entries.begin(), entries.end(), [](auto& a, auto& b) { return a.frame < b.frame; });
  const uint64_t smallest = lowest->frame.value();
  if (highest->frame.value() - smallest > kMaxDenseFrameSpan) {
    return absl::InvalidArgumentError(absl::StrCat("frame directory: frames ", smallest, " and ",
                                                   highest->frame.value(),
                                                   " are too far apart for one block"));
  }
  const size_t start = out->size();
  out->resize(start + DirectoryBlockBytes(entries.size(), true));
  uint8_t* to = out->data() + start;
  StoreLittleEndian<uint64_t>(to + kBlockOffsetAt, entries.front().offset);
  StoreLittleEndian<uint64_t>(to + kBlockFrameAt, smallest);
  to += kDenseBlockHeaderSize;
  for (const DirectoryEntry& entry : entries) {
    EncodeDenseLine(entry, smallest, to);
    to += kDenseEntrySize;
  }
  return absl::OkStatus();
}

}  // namespace

void EncodeDirectoryEntry(const DirectoryEntry& entry, uint8_t* to) {
  StoreLittleEndian<uint64_t>(to + kFrameAt, entry.frame.value());
  StoreLittleEndian<uint64_t>(to + kOffsetAt, entry.offset);
  StoreLittleEndian<uint32_t>(to + kPageAt, entry.page.value());
  StoreLittleEndian<uint32_t>(to + kStoredLengthAt, entry.stored_length);
  StoreLittleEndian<uint32_t>(to + kPreviousAt, entry.previous);
  to[kCodecAt] = static_cast<uint8_t>(entry.codec);
  to[kFlagsAt] = entry.is_commit ? 1 : 0;
  to[kSlotAt] = entry.dictionary_slot;
  to[kReservedAt] = 0;
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
  entry.dictionary_slot = from[kSlotAt];
  return entry;
}

absl::Status EncodeDirectoryBlock(absl::Span<const DirectoryEntry> entries, bool is_dense,
                                  std::vector<uint8_t>* out) {
  const size_t start = out->size();
  if (is_dense) {
    STRATA_RETURN_IF_ERROR(AppendDenseBlock(entries, out));
  } else {
    out->resize(start + DirectoryBlockBytes(entries.size(), false));
    for (size_t i = 0; i < entries.size(); ++i) {
      EncodeDirectoryEntry(entries[i], out->data() + start + i * kDirectoryEntrySize);
    }
  }
  const size_t end = out->size();
  const uint32_t crc = io::Crc32c(0, io::ByteView(*out).subspan(start));
  out->resize(end + 4);
  StoreLittleEndian<uint32_t>(out->data() + end, crc);
  return absl::OkStatus();
}

void DecodeDirectoryBlock(io::ByteView block, uint64_t lines, bool is_dense,
                          std::vector<DirectoryEntry>* entries) {
  if (!is_dense) {
    for (uint64_t i = 0; i < lines; ++i) {
      entries->push_back(DecodeDirectoryEntry(block.data() + i * kDirectoryEntrySize));
    }
    return;
  }
  uint64_t offset = LoadLittleEndian<uint64_t>(block.data() + kBlockOffsetAt);
  const uint64_t smallest = LoadLittleEndian<uint64_t>(block.data() + kBlockFrameAt);
  const uint8_t* line = block.data() + kDenseBlockHeaderSize;
  for (uint64_t i = 0; i < lines; ++i, line += kDenseEntrySize) {
    entries->push_back(DecodeDenseLine(line, smallest, offset));
    offset += kDenseHeaderSize + entries->back().stored_length;
  }
}

}  // namespace strata::segment
