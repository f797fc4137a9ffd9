#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "io/byte_stream.h"
#include "segment/ids.h"
#include "segment/index_directory.h"

// Page number -> ordinal of the newest version of that page in a segment: sorted, immutable, looked
// up in place. Format: docs/segment_format.md, "Page index"; built in segment/page_index_builder.h,
// tested in tests/segment/page_index_test.cc.
namespace strata::segment {

struct DecodedBlock;

struct PageIndexEntry {
  PageNo page;
  uint32_t ordinal = 0;    // into the frame directory
  uint64_t page_hash = 0;  // PageHash of that version
};

// Ascending by page. One thread at a time.
class PageIndexIterator {
 public:
  virtual ~PageIndexIterator() = default;

  // nullopt at the end; DataLoss when a block is damaged.
  virtual absl::StatusOr<std::optional<PageIndexEntry>> Next() = 0;

  // Fills the front of `out`, which is not empty; the number filled, 0 at the end.
  virtual absl::StatusOr<size_t> NextBatch(absl::Span<PageIndexEntry> out);
};

// Where an index lies in its source; offsets and lengths in bytes.
struct PageIndexPlace {
  uint64_t offset = 0, length = 0;                // blocks, directory and trailer
  uint64_t hashes_offset = 0, hashes_length = 0;  // the column of page hashes
};

// Lookups over an index's bytes. Safe to call from any thread.
class PageIndex {
 public:
  // Reads the directory (20 bytes for 255 pages, fewer for runs), for which it keeps 9 bytes more a
  // line; a lookup then reads one block of at most kMaxIndexBlockBytes. An index of at most
  // `keep_bytes` is read as a whole, and lookups read nothing. DataLoss: damaged or impossible.
  static absl::StatusOr<std::unique_ptr<PageIndex>> Open(std::shared_ptr<io::ByteSource> source,
                                                         const PageIndexPlace& place,
                                                         uint64_t keep_bytes);

  // Over bytes that outlive it, a mapped file for one: only directory and trailer are read before
  // the first lookup, and 9 bytes a line are kept.
  static absl::StatusOr<std::unique_ptr<PageIndex>> OverMemory(io::ByteView index,
                                                               io::ByteView hashes);

  uint64_t entries() const { return entries_; }

  // Ordinal of a page; nullopt when it is not in the index. DataLoss when its block is damaged: a
  // block in memory is verified the first time, one that is fetched each time.
  absl::StatusOr<std::optional<uint32_t>> Find(PageNo page) const;

  // All entries in page order; the index must outlive the iterator.
  std::unique_ptr<PageIndexIterator> NewIterator() const;

 private:
  friend class StoredIndexIterator;

  PageIndex() = default;
  absl::Status ReadFromSource(uint64_t keep_bytes);
  absl::Status Attach(io::ByteView bytes);
  absl::Status CheckTrailer(const uint8_t* trailer);
  absl::Status Damaged(absl::string_view what, uint64_t expected, uint64_t found) const;

  bool blocks_in_memory() const { return verified_ != nullptr; }
  absl::Status DecodeBlock(size_t number, const IndexLine& line, const uint8_t* block,
                           DecodedBlock* out) const;
  absl::Status VerifyInMemory(size_t number, const IndexLine& line) const;
  absl::StatusOr<std::optional<uint32_t>> FindInFetched(size_t number, const IndexLine& line,
                                                        uint32_t delta) const;

  std::string name_ = "memory";
  std::shared_ptr<io::ByteSource> source_;  // null over memory
  PageIndexPlace place_;
  std::vector<uint8_t> kept_;  // read from the source: the directory, or the whole index
  io::ByteView blocks_;        // when they are in memory
  io::ByteView hashes_;        // over memory only
  uint64_t block_bytes_ = 0;
  uint64_t entries_ = 0;
  size_t block_count_ = 0;
  IndexDirectory directory_;
  // Of blocks in memory: 1 once the block was found right.
  std::unique_ptr<std::atomic<uint8_t>[]> verified_;
};

}  // namespace strata::segment
