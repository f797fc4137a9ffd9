#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "segment/commit_table.h"
#include "segment/frame.h"
#include "segment/segment_header.h"

// What makes a segment a sealed one: frame directory, page index, page hashes, commit table and
// footer, in this order, behind the last record. Used by SegmentWriter for stored segments, and by
// the WAL to seal a log file in place. Format: docs/segment_format.md, "Tail".
namespace strata::segment {

constexpr uint32_t kFooterSize = 256;

// Where the parts of a tail lie; the last kFooterSize bytes of a segment.
struct Footer {
  SegmentState state = SegmentState::kSealed;
  LogId log_id;
  uint64_t salt = 0;
  uint32_t page_size = 0;
  Epoch epoch;
  FrameNo first_frame;
  FrameNo last_frame;
  uint64_t frames = 0;   // in this segment (one per page when compacted)
  uint64_t pages = 0;    // distinct pages: entries of the index
  uint64_t commits = 0;  // entries of the commit table
  uint64_t directory_offset = 0, directory_length = 0;
  uint64_t index_offset = 0, index_length = 0;
  uint64_t hashes_offset = 0, hashes_length = 0;  // page hashes, by position in the index
  uint64_t commits_offset = 0, commits_length = 0;
  uint64_t segment_length = 0;    // bytes, footer included
  uint32_t records_checksum = 0;  // CRC-32C over everything before the tail
  uint32_t tail_checksum = 0;     // CRC-32C over the tail before the footer
  DigestKind digest_kind = DigestKind::kNone;
};

void EncodeFooter(const Footer& footer, uint8_t* to);  // kFooterSize bytes

// FailedPrecondition: no footer, or one of another life of the file than `header` speaks of.
// DataLoss: a damaged one, or parts that do not lie one behind the other up to `segment_length`.
// Unimplemented: a later format.
absl::StatusOr<Footer> DecodeFooter(io::ByteView bytes, const SegmentHeader& header,
                                    uint64_t segment_length);

// One line of the frame directory.
struct DirectoryEntry {
  FrameNo frame;
  PageNo page;
  uint64_t offset = 0;         // of the record's header in the segment
  uint32_t stored_length = 0;  // payload bytes
  uint32_t previous =
      0;  // 1 + ordinal of the previous version of the page in this segment; 0: none
  Codec codec = Codec::kRaw;
  bool is_commit = false;
  uint8_t dictionary_slot = 0;  // into the segment header's dictionaries, with kZstdDictionary
};

// Collects entries in record order and writes the tail. Memory: about 56 bytes a frame.
// One thread at a time.
class SegmentTailBuilder {
 public:
  explicit SegmentTailBuilder(const SegmentHeader& header);
  ~SegmentTailBuilder();

  // `page_hash` is PageHash of the plain page. entry.previous is worked out here. InvalidArgument
  // when the entry is out of order (frames ascend; in a compacted segment pages do) or outside the
  // header's frames.
  absl::Status AddFrame(const DirectoryEntry& entry, uint64_t page_hash);

  // Ascending; min_database_pages must be set.
  absl::Status AddCommit(const CommitEntry& commit);

  // The index leaves out versions that died within the segment: a commit at or after the version
  // was smaller than the page's number and no newer version followed.
  //
  // Appends directory, index, page hashes, commit table and footer to `sink`; `records_end` is the
  // offset at which they start, `records_checksum` the CRC-32C of all bytes before it. The last
  // commit must be at the segment's last frame. `state` is kCompacted when the header's is, and
  // kSealed otherwise.
  absl::Status Finish(SegmentState state, Epoch epoch, uint64_t records_end,
                      uint32_t records_checksum, io::ByteSink* sink);

  uint64_t frames() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::segment
