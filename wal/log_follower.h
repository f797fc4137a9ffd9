#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "wal/log_state.h"

// Brings this process's index and list of files up to what other processes appended, from the log
// files alone: the shared memory only says how far.
namespace strata::wal {

class LogFollower {
 public:
  LogFollower(LogState* state, bool read_only) : state_(*state), read_only_(read_only) {}

  // True when the index has everything up to `frame`; lock-free.
  bool Has(segment::FrameNo frame) const { return state_.index->tip() >= frame; }

  // Follows to where the log ends now, and forgets what is in the database file. DataLoss: the log
  // files do not hold what they should. Any thread.
  absl::Status CatchUp();

  // The log's identity, once another process has written it. Any thread.
  absl::Status LearnIdentity() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);

 private:
  absl::Status TryCatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  void DropRemovedFiles(uint64_t below) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  void RaiseFloor() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status OpenNewFiles(uint64_t up_to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status OpenFile(uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status FollowFiles(const LogPosition& to)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  absl::Status FollowFile(CurrentSegment& file, segment::FrameNo limit, uint64_t bound)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);

  LogState& state_;
  const bool read_only_;
  // The newest file when it was last followed; older ones have got all they will have.
  uint64_t followed_ ABSL_GUARDED_BY(state_.append_mutex) = 0;
};

}  // namespace strata::wal
