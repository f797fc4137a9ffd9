#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "segment/index_block.h"
#include "segment/page_index.h"

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

// Decodes an index block by block. Memory: two buffers of 64 KiB at most, none over memory.
class StoredIndexIterator : public PageIndexIterator {
 public:
  explicit StoredIndexIterator(const PageIndex* index);
  absl::StatusOr<std::optional<PageIndexEntry>> Next() override;
  absl::StatusOr<size_t> NextBatch(absl::Span<PageIndexEntry> out) override;

 private:
  absl::Status Decode();
  absl::Status OpenBlock();
  void DecodeRunPiece();
  absl::Status LoadHashBlock();

  const PageIndex* const index_;
  StreamedBytes blocks_;
  StreamedBytes hashes_;
  size_t next_block_ = 0;
  IndexLine run_;  // what is left of it

  // Decoded entries not yet handed out.
  DecodedBlock decoded_;
  size_t decoded_count_ = 0;
  size_t taken_ = 0;

  // Hashes not yet handed out, in hashes_.
  const uint8_t* hash_block_ = nullptr;
  size_t hashes_left_ = 0;
  uint64_t hash_position_ = 0;  // in the column, of the next hash
};

}  // namespace strata::segment
