#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "segment/record_scanner.h"
#include "segment/segment_reader.h"

namespace strata::segment {

// SegmentReader::VerifyAll: one pass over the records in step with the frame directory, one over
// the index.
class SegmentVerifier {
 public:
  explicit SegmentVerifier(const SegmentReader* reader);
  absl::Status Run();

 private:
  // What the index says about a frame of a segment in log order.
  struct Indexed {
    PageNo page;  // 0: the index does not name this frame
    bool superseded = false;
    uint64_t page_hash = 0;
  };

  bool is_compacted() const { return reader_.footer_.state == SegmentState::kCompacted; }
  absl::Status VerifyTail() const;
  absl::Status CollectIndex();
  absl::Status VerifyRecords();
  absl::Status VerifyDenseRecords();
  absl::StatusOr<DirectoryEntry> NextEntry();
  absl::Status VerifyRecord(const ScannedRecord& record);
  absl::Status VerifyFrame(const ScannedRecord& record, const DirectoryEntry& entry);
  absl::Status VerifyOrder(const DirectoryEntry& entry);
  absl::Status Decode(const ScannedRecord& record, const DirectoryEntry& entry);
  absl::Status VerifyPrevious(const DirectoryEntry& entry);
  absl::Status VerifyCommit(const ScannedRecord& record) const;
  absl::Status VerifyIndexed(const DirectoryEntry& entry);
  absl::Status VerifyHash(const DirectoryEntry& entry, uint64_t expected) const;
  absl::Status VerifyIndexEnds();
  absl::Status VerifyIndexNamesNewest() const;
  absl::Status Checksum(uint64_t from, uint64_t to, uint32_t* crc) const;

  const SegmentReader& reader_;
  std::unique_ptr<PageIndexIterator> index_;
  std::vector<uint8_t> page_;
  RecentPages recent_;
  std::vector<DirectoryEntry> entries_;  // a piece of the directory, from entries_first_
  uint64_t entries_first_ = 0;
  uint64_t ordinal_ = 0;  // of the next frame
  DirectoryEntry last_;
  // By ordinal; empty for a compacted segment, whose index is read in step with its records.
  std::vector<PageNo> pages_;
  std::vector<Indexed> indexed_;
};

}  // namespace strata::segment
