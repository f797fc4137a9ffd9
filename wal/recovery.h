#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/file.h"
#include "segment/frame.h"
#include "segment/segment_header.h"
#include "wal/commit_queue.h"
#include "wal/current_segment.h"
#include "wal/identity.h"

// What a log directory holds after any end of the process or the machine. Reads only; the same
// bytes give the same answer. The cases, exhaustively: docs/recovery.md; each has a test of its
// name in tests/wal/recovery_test.cc.
namespace strata::wal {

// One log file, as far as it counts.
struct RecoveredSegment {
  std::string path;
  segment::SegmentHeader header;
  std::vector<FrameRun> runs;    // of the accepted frames
  segment::FrameNo first_frame;  // 0: no accepted frame
  segment::FrameNo last_frame;
  uint64_t end_offset = 0;  // behind the last accepted record
};

// How the records of one file end.
enum class TailCase {
  kEmpty,  // no record at all: a file prepared and not used, or nothing of it survived
  kClean,  // ends with a commit, mark or padding; nothing intact follows
  kOpen,   // ends with frames of a transaction whose commit is not there
  kTorn,   // a record that is not intact, or out of order; nothing above it is known to be durable
};

struct RecoveredLog {
  Identity identity;
  std::vector<RecoveredSegment> segments;  // oldest first, those with accepted frames
  std::vector<std::string>
      leftovers;               // files that hold nothing that counts; to be removed, oldest first
  uint64_t next_sequence = 1;  // higher than that of any file seen
  CommitPoint end;             // the last whole commit, at least where the log started
  bool untouched = false;  // neither a transaction nor a mark counts: nothing was committed in this
                           // directory, or a close removed all of it but the identity
  segment::FrameNo durable;  // highest frame that some record says was synced
  CommitPoint checkpointed;  // everything up to here is in the database file, durably
  segment::FrameNo sealed;
  uint64_t sealed_digest = 0;
  segment::FrameNo shipped;
  std::vector<segment::PageNo> pages;  // of frames (checkpointed, end], for the index
};

// NotFound: no log there (no directory, or one without identity and without log files). DataLoss:
// damage at or below the durable mark, a missing or foreign file, an unreadable header; names file
// and offset. With kAcceptLoss, damage is no error: the longest run of whole transactions from the
// start is the log, and a file that cannot be read is a leftover. Only for `strata recover
// --accept-loss`, which keeps a copy first.
enum class OnDamage { kRefuse, kAcceptLoss };
absl::StatusOr<RecoveredLog> RecoverLog(io::FileSystem& files, const std::string& directory,
                                        OnDamage on_damage = OnDamage::kRefuse);

// Names inside a log directory.
inline constexpr char kIdentityName[] = "identity";

}  // namespace strata::wal
