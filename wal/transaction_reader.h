#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "segment/record_scanner.h"
#include "wal/current_segment.h"

namespace strata::wal {

// A whole transaction as it stands in a log file.
struct ReadTransaction {
  segment::FrameNo first;
  segment::FrameNo last;
  std::vector<segment::PageNo> pages;  // of its frames, in order
  std::vector<FrameRun> runs;
  uint64_t end_offset = 0;  // behind its commit
};

// Reads the transactions of a log file one after the other: whole ones only, verified by the
// checksums of their records and of their commits.
class TransactionReader {
 public:
  // The scanner stands between two transactions and outlives this; `next` is the frame that
  // follows, 0 at the start of a file, where any may.
  TransactionReader(segment::RecordScanner* scanner, uint32_t page_size, segment::FrameNo next)
      : scanner_(*scanner), page_size_(page_size), next_(next) {}

  // nullopt: no further one that ends at or before `limit`.
  absl::StatusOr<std::optional<ReadTransaction>> Next(segment::FrameNo limit);

 private:
  // False when the record does not continue what came before.
  bool Take(const segment::ScannedRecord& record, ReadTransaction* transaction);

  segment::RecordScanner& scanner_;
  const uint32_t page_size_;
  segment::FrameNo next_;
  uint32_t folded_ = 0;
};

}  // namespace strata::wal
