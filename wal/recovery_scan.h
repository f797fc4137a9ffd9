#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "io/file.h"
#include "wal/recovery.h"

// The first half of recovery: what one log file says, before files are held against each other.
namespace strata::wal {

struct ScannedCommit {
  CommitPoint point;
  uint64_t end_offset = 0;  // behind its record
};

struct FileScan {
  std::string path;
  segment::SegmentHeader header;
  TailCase tail = TailCase::kEmpty;
  std::vector<FrameRun> runs;
  std::vector<segment::PageNo> pages;  // of the frames from first_frame on
  segment::FrameNo first_frame;        // 0: none
  std::vector<ScannedCommit> commits;  // whole transactions, ascending
  uint64_t stop_offset = 0;            // where reading in order ended,
  std::string stopped_at;              // and what was there
  segment::FrameNo durable;            // highest over all intact records, behind stop_offset too
  struct Mark {
    segment::FrameNo frame;
    segment::MarkRecord record;
  };
  std::vector<Mark> marks;  // all intact ones
};

// The header of a log file, which must be of this log and have this sequence number.
absl::StatusOr<segment::SegmentHeader> ReadLogFileHeader(io::ByteSource& source, uint64_t sequence,
                                                         const Identity& identity);

absl::StatusOr<FileScan> ScanLogFile(io::FileSystem& files, const std::string& path,
                                     uint64_t sequence, const Identity& identity);

}  // namespace strata::wal
