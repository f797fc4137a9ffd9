#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fuzz/check.h"
#include "io/checksum.h"
#include "io/memory_stream.h"
#include "segment/dense_record.h"
#include "segment/frame_directory.h"
#include "segment/page_index_format.h"
#include "segment/segment_reader.h"
#include "tests/segment/index_repair.h"
#include "tests/segment/segment_samples.h"

// A whole segment from mutated bytes, with every checksum made right where its place can be told,
// so that what is behind the checksums is reached: no crash, no unbounded memory, no read beyond
// the segment.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr size_t kLargestDenseBlock = DirectoryBlockBytes(kDirectoryBlockEntries, true) + 4;

// A part of the segment that the footer names, cut to the bytes there are.
io::MutableBytes Part(std::vector<uint8_t>& bytes, size_t footer_field) {
  const uint8_t* field = bytes.data() + bytes.size() - kFooterSize + footer_field;
  const uint64_t offset = std::min<uint64_t>(LoadLittleEndian<uint64_t>(field), bytes.size());
  const uint64_t length = LoadLittleEndian<uint64_t>(field + 8);
  return {bytes.data() + offset, std::min<uint64_t>(length, bytes.size() - offset)};
}

void FixBlocks(io::MutableBytes part, size_t block) {
  while (part.size() > 4) {
    const size_t length = std::min(block, part.size() - 4);
    StoreLittleEndian<uint32_t>(part.data() + length, io::Crc32c(0, part.first(length)));
    part.remove_prefix(length + 4);
  }
}

void FixCommits(io::MutableBytes table) {
  if (table.size() < kCommitTableHeaderSize) return;
  const uint32_t crc = io::Crc32c(0, table.first(12));
  StoreLittleEndian<uint32_t>(table.data() + 12,
                              io::Crc32c(crc, table.subspan(kCommitTableHeaderSize)));
}

void FixRecords(std::vector<uint8_t>& bytes, uint64_t end, uint32_t seed) {
  for (uint64_t at = kSegmentHeaderSize; at + kRecordHeaderSize <= end;) {
    const auto header = DecodeRecordHeader(bytes.data() + at);
    if (!header.ok() || header->stored_length > end - at - kRecordHeaderSize) return;
    const io::ByteView payload(bytes.data() + at + kRecordHeaderSize, header->stored_length);
    EncodeRecordHeader(*header, payload, seed, bytes.data() + at);
    at += kRecordHeaderSize + header->stored_length;
  }
}

// The checksum of the plain page stays as it is: it is what a wrong payload must fail on.
void FixDenseRecords(std::vector<uint8_t>& bytes, io::ByteView directory, uint64_t end,
                     const SegmentHeader& header, uint32_t seed) {
  std::vector<DirectoryEntry> entries;
  while (directory.size() > kDenseBlockHeaderSize + 4) {
    const size_t block = std::min(directory.size(), kLargestDenseBlock);
    const uint64_t lines = (block - 4 - kDenseBlockHeaderSize) / kDenseEntrySize;
    DecodeDirectoryBlock(directory, lines, true, &entries);
    directory.remove_prefix(block);
  }
  for (const DirectoryEntry& entry : entries) {
    if (entry.offset > end || end - entry.offset < kDenseHeaderSize) continue;
    if (entry.stored_length > end - entry.offset - kDenseHeaderSize) continue;
    uint8_t* at = bytes.data() + entry.offset;
    FrameHeader frame;
    frame.frame = entry.frame;
    frame.page = entry.page;
    frame.stored_length = entry.stored_length;
    frame.codec = entry.codec;
    frame.is_commit = entry.is_commit;
    if (entry.codec == Codec::kZstdDictionary)
      frame.dictionary_id = header.dictionaries[entry.dictionary_slot].id;
    frame.page_checksum = LoadLittleEndian<uint32_t>(at + 4);
    EncodeDenseHeader(frame, {at + kDenseHeaderSize, entry.stored_length}, seed, at);
  }
}

void MakeChecksumsRight(std::vector<uint8_t>& bytes) {
  if (bytes.size() < kSegmentHeaderSize + kFooterSize) return;
  uint8_t* header = bytes.data();
  uint8_t* footer = bytes.data() + bytes.size() - kFooterSize;
  std::memcpy(footer + 16, header + 24, 16);  // log id
  std::memcpy(footer + 32, header + 72, 8);   // salt
  StoreLittleEndian<uint32_t>(header + kSegmentHeaderSize - 4,
                              io::Crc32c(0, io::ByteView(header, kSegmentHeaderSize - 4)));
  LogId log_id;
  std::memcpy(log_id.bytes.data(), header + 24, 16);
  const uint32_t seed = RecordSeed(LoadLittleEndian<uint64_t>(header + 72), log_id);
  const auto decoded = DecodeSegmentHeader({header, kSegmentHeaderSize});
  const bool is_dense = decoded.ok() && decoded->is_dense();
  FixBlocks(Part(bytes, 96), DirectoryBlockBytes(kDirectoryBlockEntries, is_dense));
  MakeIndexChecksumsRight(Part(bytes, 112));
  FixBlocks(Part(bytes, 128), kHashBlockEntries * 8);
  FixCommits(Part(bytes, 144));
  const uint64_t tail =
      std::min<uint64_t>(LoadLittleEndian<uint64_t>(footer + 96), bytes.size() - kFooterSize);
  if (is_dense) {
    FixDenseRecords(bytes, Part(bytes, 96), tail, *decoded, seed);
  } else {
    FixRecords(bytes, tail, seed);
  }
  StoreLittleEndian<uint32_t>(footer + 44, io::Crc32c(0, io::ByteView(bytes.data(), tail)));
  const io::ByteView parts(bytes.data() + tail, bytes.size() - kFooterSize - tail);
  StoreLittleEndian<uint32_t>(footer + 168, io::Crc32c(0, parts));
  StoreLittleEndian<uint32_t>(footer + kFooterSize - 4,
                              io::Crc32c(seed, io::ByteView(footer, kFooterSize - 4)));
}

void ReadEverything(const SegmentReader& reader) {
  std::vector<uint8_t> page(reader.header().page_size);
  const auto directory = reader.ReadDirectory(0, 64);
  if (directory.ok()) {
    for (const DirectoryEntry& entry : *directory) {
      (void)reader.ReadFrame(entry, absl::MakeSpan(page));
      (void)reader.FindPage(entry.page);
    }
  }
  (void)reader.FindPage(PageNo(UINT32_MAX));
  (void)reader.VerifyAll();
}

}  // namespace
}  // namespace strata::segment

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  // The end is where the structure is: hit it directly, too.
  if (size > 1024 && seed % 2 == 0)
    data[size - 1 - seed / 2 % 1024] = static_cast<uint8_t>(seed >> 16);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  std::vector<uint8_t> bytes(data, data + size);
  segment::MakeChecksumsRight(bytes);
  const auto reader =
      segment::SegmentReader::Open(std::make_shared<io::MemorySource>(std::move(bytes)),
                                   std::make_shared<segment::SampleDictionaries>());
  if (reader.ok()) segment::ReadEverything(**reader);
  return 0;
}
