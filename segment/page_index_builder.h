#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "io/byte_stream.h"
#include "segment/page_index.h"
#include "segment/page_index_format.h"

namespace strata::segment {

// Writes a column of page hashes: blocks of kHashBlockEntries hashes, each followed by its
// CRC-32C.
class HashColumnBuilder {
 public:
  explicit HashColumnBuilder(io::ByteSink* sink) : sink_(sink) {}
  absl::Status Add(uint64_t hash) {
    io::StoreLittleEndian<uint64_t>(block_.data() + 8 * filled_, hash);
    return ++filled_ == kHashBlockEntries ? Flush() : absl::OkStatus();
  }
  absl::Status Finish() { return filled_ == 0 ? absl::OkStatus() : Flush(); }
  uint64_t bytes() const { return bytes_; }

 private:
  absl::Status Flush();

  io::ByteSink* const sink_;
  std::array<uint8_t, kHashBlockBytes> block_;
  size_t filled_ = 0;
  uint64_t bytes_ = 0;
};

// Streams entries, ascending by page, into the bytes of an index and of its hash column. Memory:
// the directory, 20 bytes for 255 entries (or for a run), and 64 KiB. One thread at a time;
// the sinks must outlive the builder.
class PageIndexBuilder {
 public:
  PageIndexBuilder(io::ByteSink* index, io::ByteSink* hashes);

  // InvalidArgument when the page is 0 or not above the last one.
  absl::Status Add(const PageIndexEntry& entry);

  // Writes what is left, the directory and the trailer.
  absl::Status Finish();

  uint64_t entries() const { return entries_; }
  uint64_t index_bytes() const { return index_bytes_; }    // after Finish
  uint64_t hash_bytes() const { return hashes_.bytes(); }  // after Finish

 private:
  absl::Status StartRun();
  void EndRun();
  absl::Status FlushBlock(size_t count);
  void AddLine(const IndexLine& line);
  absl::Status FlushBuffer();

  io::ByteSink* const sink_;
  HashColumnBuilder hashes_;
  std::vector<uint8_t> buffer_;  // blocks not yet handed to the sink
  std::vector<uint8_t> lines_;   // the directory so far
  uint64_t index_bytes_ = 0;
  uint64_t entries_ = 0;

  // Entries of the block being filled, or the run (when in_run_) that goes on.
  std::array<uint32_t, kIndexBlockEntries> pages_;
  std::array<uint32_t, kIndexBlockEntries> ordinals_;
  size_t filled_ = 0;
  uint32_t consecutive_ = 0;  // entries at the end of pages_ that go up by one in both columns
  bool in_run_ = false;
  IndexLine run_;  // its first page and ordinal
  uint32_t last_page_ = 0;
  uint32_t last_ordinal_ = 0;
};

}  // namespace strata::segment
