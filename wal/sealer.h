#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/object_store.h"
#include "segment/manifest.h"
#include "segment/segment_writer.h"
#include "wal/checkpointer.h"
#include "wal/frame_dictionary.h"
#include "wal/log_state.h"

// Turns a range of the log into a sealed segment in the store. Why the sealed form is written
// straight to the store and not behind the log file:
// docs/decisions/0002-seal-writes-the-stored-segment.md.
namespace strata::wal {

// A segment in the store, and the digest at its end.
struct SealedSegment {
  segment::SegmentKey key;
  segment::SegmentFacts facts;
  uint64_t digest = 0;
};

// One call at a time (LogState::maintenance), so that neither log files nor the database file
// change under it.
class Sealer {
 public:
  Sealer(LogState* state, Checkpointer* checkpointer)
      : state_(*state), checkpointer_(*checkpointer), dictionary_(state) {}

  // Where the next segment ends: the first commit at which it has `seal_bytes`, `up_to` at the
  // latest. `up_to` is a commit above the sealed frame.
  absl::StatusOr<segment::FrameNo> EndOfNext(segment::FrameNo up_to);

  // Writes frames (progress.sealed, last] as one object. FailedPrecondition when the key is taken.
  absl::StatusOr<SealedSegment> Write(segment::FrameNo last, io::ObjectStore& store);
  segment::SegmentKey KeyOf(segment::FrameNo last);  // of that object

 private:
  absl::StatusOr<segment::SegmentWriterOptions> WriterOptions(io::ObjectStore& store);
  absl::StatusOr<uint64_t> HashBefore(segment::PageNo page, segment::FrameNo at);
  absl::Status WriteFrames(segment::SegmentWriter& writer, SealedSegment* sealed);
  absl::StatusOr<uint32_t> DatabasePagesAt(segment::FrameNo commit);

  LogState& state_;
  Checkpointer& checkpointer_;
  FrameDictionary dictionary_;
};

// Writes the base image [1, base_frame] of an adopted database: page i is frame i. `database` is
// the plain file as it was adopted; nothing may be checkpointed before this returned.
// FailedPrecondition when the key is taken.
absl::StatusOr<SealedSegment> WriteBaseImage(LogState& state, io::File& database,
                                             io::ObjectStore& store);
segment::SegmentKey KeyOfBase(const LogState& state);

}  // namespace strata::wal
