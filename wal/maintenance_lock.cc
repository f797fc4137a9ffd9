#include "wal/maintenance_lock.h"

#include "absl/strings/str_cat.h"
#include "io/sleeper.h"
#include "io/status_macros.h"

namespace strata::wal {

namespace {
constexpr int64_t kTryAgainUs = 1'000;
}

MaintenanceLock::MaintenanceLock(LogState* state, LogFollower* follower, int64_t timeout_us)
    : state_(*state) {
  state_.maintenance.Lock();
  state_.maintainer.store(std::this_thread::get_id());
  LockAmongProcesses(follower, timeout_us);
}

MaintenanceLock::MaintenanceLock(std::adopt_lock_t, LogState* state, LogFollower* follower)
    : state_(*state) {
  state_.maintainer.store(std::this_thread::get_id());
  LockAmongProcesses(follower, 0);
}

void MaintenanceLock::LockAmongProcesses(LogFollower* follower, int64_t timeout_us) {
  status_ = TakeByte(timeout_us);
  if (status_.ok()) status_ = follower->CatchUp();
}

MaintenanceLock::~MaintenanceLock() {
  if (holds_byte_) state_.attachment->Unlock(kMaintenanceByte).IgnoreError();
  state_.maintainer.store(std::thread::id());
  state_.maintenance.Unlock();
}

absl::Status MaintenanceLock::TakeByte(int64_t timeout_us) {
  io::RealSleeper sleeper;
  for (int64_t waited = 0;; waited += kTryAgainUs) {
    STRATA_ASSIGN_OR_RETURN(holds_byte_, state_.attachment->TryLock(kMaintenanceByte));
    if (holds_byte_) return absl::OkStatus();
    if (waited >= timeout_us) {
      return absl::UnavailableError(
          absl::StrCat(state_.directory, ": another process checkpoints or ships this database"));
    }
    sleeper.Sleep(kTryAgainUs);
  }
}

}  // namespace strata::wal
