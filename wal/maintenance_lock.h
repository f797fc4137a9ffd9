#pragma once

#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "wal/log_follower.h"
#include "wal/log_state.h"

namespace strata::wal {

// LogState::maintenance together with the lock of the same meaning among processes. Taken, it has
// brought this process up to date with what others checkpointed, shipped and committed.
class ABSL_SCOPED_LOCKABLE MaintenanceLock {
 public:
  // Waits for other processes at most `timeout_us`.
  MaintenanceLock(LogState* state, LogFollower* follower, int64_t timeout_us)
      ABSL_EXCLUSIVE_LOCK_FUNCTION(state->maintenance);
  // Of a thread that holds LogState::maintenance already, and gives it back with this.
  MaintenanceLock(std::adopt_lock_t, LogState* state, LogFollower* follower)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state->maintenance);
  ~MaintenanceLock() ABSL_UNLOCK_FUNCTION();
  MaintenanceLock(const MaintenanceLock&) = delete;
  MaintenanceLock& operator=(const MaintenanceLock&) = delete;

  // Unavailable: another process holds it. Others: see LogFollower::CatchUp.
  const absl::Status& status() const { return status_; }

 private:
  void LockAmongProcesses(LogFollower* follower, int64_t timeout_us);
  absl::Status TakeByte(int64_t timeout_us);

  LogState& state_;
  bool holds_byte_ = false;
  absl::Status status_;
};

}  // namespace strata::wal
