#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "segment/frame.h"
#include "segment/segment_header.h"

// Walks the records of a live log file, or of the part of a segment before its tail. Knows what is
// intact, not what it means: whether the end is a torn tail or damage is for recovery to say.
namespace strata::segment {

struct ScannedRecord {
  uint64_t offset = 0;  // of the record's header in the source
  FrameHeader header;
  const uint8_t* header_bytes = nullptr;  // kRecordHeaderSize bytes, valid as long as `payload`
  io::ByteView payload;                   // valid until the scanner's next call
};

// Reads 1 MiB at a time; memory: that and the longest record. One thread at a time. Errors are
// those of the source; bytes that are no record are not an error. The source must outlive the
// scanner.
class RecordScanner {
 public:
  // `seed` is RecordSeed of the file. Records start at `begin` and at multiples of `alignment`
  // after it (kRecordAlignment in a live log, 1 in a stored segment) and lie before `end`.
  RecordScanner(io::ByteSource* source, uint32_t seed, uint64_t begin = kSegmentHeaderSize,
                uint64_t end = UINT64_MAX, uint32_t alignment = kRecordAlignment);

  // The intact record at offset(); nullopt, now and ever after, when there is none.
  absl::StatusOr<std::optional<ScannedRecord>> Next();

  // Where the next record starts, or where Next found none.
  uint64_t offset() const { return offset_; }

  // After Next answered nullopt: what was found there instead of a record.
  const std::string& stopped_at() const { return stopped_at_; }

  // The first intact record at a multiple of kRecordAlignment at or after `from`; leaves Next's
  // place alone. One that exists behind the place where Next stopped tells damage from a torn tail.
  // Records with a longer payload than `max_payload` are passed over: hostile bytes cost no more
  // than max_payload / kRecordAlignment checksums of themselves.
  absl::StatusOr<std::optional<ScannedRecord>> FindIntactRecordAfter(
      uint64_t from, uint32_t max_payload = kMaxPageSize);

 private:
  // Up to `length` bytes at `offset`, fewer where the records end.
  absl::StatusOr<io::ByteView> Peek(uint64_t offset, size_t length);
  absl::StatusOr<std::optional<ScannedRecord>> RecordAt(uint64_t offset, std::string* why_not);

  io::ByteSource* const source_;
  const uint32_t seed_;
  const uint64_t end_;
  const uint32_t alignment_;
  uint64_t offset_;
  bool stopped_ = false;
  std::string stopped_at_;
  std::vector<uint8_t> buffer_;
  uint64_t buffer_offset_ = 0;
};

}  // namespace strata::segment
