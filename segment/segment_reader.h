#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "segment/commit_table.h"
#include "segment/frame.h"
#include "segment/page_index.h"
#include "segment/segment_header.h"
#include "segment/segment_tail.h"

// Reads sealed and compacted segments, from a local file or a store. Format: docs/segment_format.md.
// Every byte that is returned was covered by a checksum that was verified; lengths are checked against the
// segment's size before anything is allocated.
namespace strata::segment {

// Safe to call from any thread once opened.
class SegmentReader {
 public:
  // Reads footer, header and commit table. DataLoss: damage (the message names source and offset).
  // FailedPrecondition: no footer at all, so a current segment. Unimplemented: a later format.
  static absl::StatusOr<std::unique_ptr<SegmentReader>> Open(std::shared_ptr<io::ByteSource> source);

  const SegmentHeader& header() const;
  const Footer& footer() const;
  const std::vector<CommitEntry>& commits() const;
  const io::ByteSource& source() const;

  // Ordinal of the newest version of a page in this segment; nullopt: not in it.
  absl::StatusOr<std::optional<uint32_t>> FindPage(PageNo page) const;

  // Index entries in page order, streamed in blocks; the reader must outlive the iterator.
  absl::StatusOr<std::unique_ptr<PageIndexIterator>> NewIndexIterator() const;

  // Entries [first, first + count) of the frame directory, cut at the end.
  absl::StatusOr<std::vector<DirectoryEntry>> ReadDirectory(uint64_t first, uint64_t count) const;

  // The frame with that ordinal, verified and decoded; `page` must have page_size bytes.
  absl::StatusOr<FrameHeader> ReadFrame(uint64_t ordinal, io::MutableBytes page) const;
  absl::StatusOr<FrameHeader> ReadFrame(const DirectoryEntry& entry, io::MutableBytes page) const;

  // Reads everything: all checksums, directory against records, index against directory, page hashes and
  // the footer's checksum over the whole. Bounded memory.
  absl::Status VerifyAll() const;
};

}  // namespace strata::segment
