#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "segment/page_index.h"
#include "segment/page_index_format.h"

namespace strata::segment {

// Hands out the bytes of one range of a source front to back, reading ahead.
class StreamedBytes {
 public:
  StreamedBytes(io::ByteSource* source, uint64_t offset, uint64_t length)
      : source_(source), offset_(offset), left_(length) {}
  explicit StreamedBytes(io::ByteView in_memory) : ready_(in_memory) {}

  // The next `length` bytes, valid until the next call, with kUnpackSlack readable bytes behind
  // them. OutOfRange when fewer are left.
  absl::StatusOr<const uint8_t*> Take(size_t length);

 private:
  absl::Status Fill(size_t length);

  io::ByteSource* source_ = nullptr;
  uint64_t offset_ = 0;
  uint64_t left_ = 0;   // in the source, not yet in ready_
  io::ByteView ready_;  // read and not yet taken
  std::vector<uint8_t> buffer_;
};

// Decodes an index block by block. Memory: two buffers of 64 KiB at most.
class StoredIndexIterator : public PageIndexIterator {
 public:
  explicit StoredIndexIterator(const PageIndex* index);
  absl::StatusOr<std::optional<PageIndexEntry>> Next() override;
  absl::StatusOr<size_t> NextBatch(absl::Span<PageIndexEntry> out) override;

 private:
  absl::Status Decode();
  absl::Status OpenBlock();
  absl::Status DecodePacked(size_t number, const IndexBlock& block, size_t count);
  absl::Status DecodeHashes(size_t count);
  absl::Status LoadHashBlock();

  const PageIndex* const index_;
  StreamedBytes blocks_;
  StreamedBytes hashes_;
  size_t next_block_ = 0;
  uint64_t hash_position_ = 0;

  // A run that is being handed out.
  uint64_t run_left_ = 0;
  uint32_t run_page_ = 0;
  uint32_t run_ordinal_ = 0;

  // Decoded entries not yet handed out.
  std::array<PageIndexEntry, kIndexBlockEntries> decoded_;
  size_t decoded_count_ = 0;
  size_t taken_ = 0;

  std::array<uint8_t, kHashBlockBytes> hash_block_;
};

}  // namespace strata::segment
