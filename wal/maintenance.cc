#include "wal/maintenance.h"

#include <algorithm>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;

namespace {
constexpr int64_t kNothingDue = std::numeric_limits<int64_t>::max();
constexpr int64_t kIdleUs = 60'000'000;
constexpr int64_t kShipRoundUs =
    1'000'000;  // then others get their turn, and a close is not held up
constexpr int64_t kAwakeUs = 1'000'000;
constexpr int64_t kRetryTransferUs = 250'000;
constexpr int64_t kRetryLockUs = 10'000;
constexpr int64_t kCleanUpWaitUs = 20'000;
constexpr int64_t kFirstBackoffUs = 100'000;
constexpr int64_t kLongestBackoffUs = 30'000'000;
}  // namespace

void Maintenance::Start() {
  if (!state_.options.background || started_.load(std::memory_order_acquire)) return;
  io::MutexLock lock(&mutex_);
  if (running_ || stop_) return;
  try {
    if (!sync_thread_.joinable())
      sync_thread_ = std::thread([this] { Loop(&Maintenance::RunSyncs); });
    transfer_thread_ = std::thread([this] { Loop(&Maintenance::RunTransfers); });
    running_ = true;
    started_.store(true, std::memory_order_release);
  } catch (const std::system_error& error) {
    // The next commit tries again.
    Report("background threads", absl::UnavailableError(error.what()));
  }
}

int64_t Maintenance::RunWithoutThrowing(Round round, int64_t now) {
  try {
    return (this->*round)(now);
  } catch (const std::bad_alloc&) {
    return now + kRetryTransferUs;
  }
}

void Maintenance::Stop() {
  {
    io::MutexLock lock(&mutex_);
    stop_ = true;
    wake_.SignalAll();
  }
  if (sync_thread_.joinable()) sync_thread_.join();
  if (transfer_thread_.joinable()) transfer_thread_.join();
}

void Maintenance::Loop(Round round) {
  for (;;) {
    int64_t next = RunWithoutThrowing(round, state_.environment.clock->MonotonicMicros());
    const bool idle = next == kNothingDue;
    if (idle) {
      // Announced, then looked again: a commit either sees the announcement or is seen.
      sleeping_.fetch_add(1, std::memory_order_seq_cst);
      const int64_t now = state_.environment.clock->MonotonicMicros();
      next = std::min(RunWithoutThrowing(round, now), now + kIdleUs);
    }
    SleepUntil(next);
    if (idle) sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    io::MutexLock lock(&mutex_);
    if (stop_) return;
  }
}

void Maintenance::SleepUntil(int64_t next) {
  io::MutexLock lock(&mutex_);
  const int64_t wait = next - state_.environment.clock->MonotonicMicros();
  if (!stop_ && wait > 0) wake_.WaitFor(&mutex_, wait);
}

absl::Status Maintenance::OweSyncs() {
  if (!off_only()) return absl::OkStatus();
  io::MutexLock lock(&state_.maintenance);
  STRATA_RETURN_IF_ERROR(checkpointer_.SyncDatabase());
  any_synced_.store(true, std::memory_order_relaxed);
  return absl::OkStatus();
}

void Maintenance::NoteCommit() {
  const bool spare_wanted =
      state_.spare_wanted.load(std::memory_order_relaxed) && state_.spare_wanted.exchange(false);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!spare_wanted && sleeping_.load(std::memory_order_seq_cst) == 0) return;
  io::MutexLock lock(&mutex_);
  wake_.SignalAll();
}

void Maintenance::RequestCheckpoint() {
  if (checkpoint_requested_.exchange(true)) return;
  io::MutexLock lock(&mutex_);
  wake_.SignalAll();
}

int64_t Maintenance::RunSyncs(int64_t now) {
  Report("spare file", appender_.spares().Prepare());
  // A thread that is awake does not hear of single commits: it looks often enough to be in time for
  // each.
  const int64_t last = state_.last_commit_us.load(std::memory_order_seq_cst);
  const bool owes = state_.unsynced_since_us.load(std::memory_order_seq_cst) != 0 ||
                    last != marked_commit_us_.load(std::memory_order_relaxed);
  if (off_only() || state_.commits->failed() || !owes) return kNothingDue;
  int64_t next = now + std::min(state_.options.quiet_us, state_.options.unsynced_us);
  SyncIfDue(now, &next);
  MarkIfQuiet(now, &next);
  return next;
}

void Maintenance::SyncIfDue(int64_t now, int64_t* next) {
  const int64_t since = state_.unsynced_since_us.load(std::memory_order_relaxed);
  if (since == 0) return;
  if (now - since >= state_.options.unsynced_us) {
    Report("background sync", state_.commits->SyncNow());
  } else {
    *next = std::min(*next, since + state_.options.unsynced_us);
  }
}

void Maintenance::MarkIfQuiet(int64_t now, int64_t* next) {
  const int64_t last = state_.last_commit_us.load(std::memory_order_relaxed);
  if (last == 0 || last == marked_commit_us_.load(std::memory_order_relaxed)) return;
  if (now - last < state_.options.quiet_us) {
    *next = std::min(*next, last + state_.options.quiet_us);
    return;
  }
  // The mark can only say what was durable before it.
  Report("background sync", state_.commits->SyncNow());
  if (!state_.write_lock.TryAcquireForBackground()) {
    *next = std::min(*next, now + kRetryLockUs);
    return;
  }
  absl::Status status = appender_.AppendMark();
  state_.write_lock.Release();
  if (status.ok()) status = state_.commits->SyncNow();
  marked_commit_us_.store(last, std::memory_order_relaxed);
  Report("mark record", status);
}

int64_t Maintenance::RunTransfers(int64_t now) {
  int64_t next = kNothingDue;
  if (shipper_.has_store()) ShipIfDue(now, &next);
  CheckpointIfDue();
  CleanUp();
  const int64_t last = state_.last_commit_us.load(std::memory_order_seq_cst);
  const bool busy =
      last != 0 && now - last < kAwakeUs;  // no wake-up for each commit while they come
  if (busy || CheckpointIsDue() || checkpointer_.HasOldFiles())
    next = std::min(next, now + kRetryTransferUs);
  return next;
}

void Maintenance::ShipIfDue(int64_t now, int64_t* next) {
  if (!shipper_.stopped().ok()) return;
  const FrameNo visible = state_.commits->visible_frame();
  FrameNo shipped;
  {
    io::MutexLock lock(&state_.append_mutex);
    shipped = state_.progress.shipped;
  }
  if (visible <= shipped) return;
  *next = std::min(*next, std::max(now + state_.options.seal_after_us / 4, retry_ship_us_));
  if (now < retry_ship_us_) return;
  const int64_t since = state_.unsealed_since_us.load(std::memory_order_relaxed);
  const bool large = state_.BytesOf(visible.value() - shipped.value()) >= state_.options.seal_bytes;
  if (!large && now - since < state_.options.seal_after_us) {
    *next = std::min(*next, since + state_.options.seal_after_us);
    return;
  }
  io::MutexLock lock(&state_.maintenance);
  const absl::Status status = shipper_.ShipUpTo(visible, now + kShipRoundUs);
  if (status.ok() || absl::IsDeadlineExceeded(status)) {
    ship_backoff_us_ = 0;
    return;
  }
  Report("shipping", status);
  ship_backoff_us_ = std::clamp(2 * ship_backoff_us_, kFirstBackoffUs, kLongestBackoffUs);
  const int64_t jitter =
      static_cast<int64_t>(state_.environment.random->Next64() % (ship_backoff_us_ / 2));
  retry_ship_us_ = now + ship_backoff_us_ + jitter;
}

bool Maintenance::CheckpointIsDue() const {
  const uint64_t visible = state_.commits->visible_frame().value();
  const uint64_t frames = visible - std::min(visible, state_.index->floor().value());
  const bool large = state_.BytesOf(frames) >= state_.options.checkpoint_bytes;
  return frames != 0 && (large || checkpoint_requested_.load());
}

void Maintenance::CheckpointIfDue() {
  const bool due = CheckpointIsDue();
  checkpoint_requested_.store(false);
  if (!due) return;
  const FrameNo visible = state_.commits->visible_frame();
  if (!off_only()) Report("background sync", state_.commits->WaitSynced(visible));
  io::MutexLock lock(&state_.maintenance);
  Report("checkpoint", checkpointer_.Run(visible, !off_only()).status());
}

void Maintenance::CleanUp() {
  io::MutexLock lock(
      &state_.maintenance);  // a checkpoint or seal under way reads the index without a snapshot
  state_.readers.CollectGarbage();
  if (!checkpointer_.HasOldFiles()) return;
  // Not for long: the locks are taken in the wrong order.
  const int64_t wait_us = state_.options.background ? kCleanUpWaitUs : 0;
  if (!state_.write_lock.AcquireForBackground(wait_us)) return;
  bool held = true;
  const auto release = [&] {
    if (std::exchange(held, false)) state_.write_lock.Release();
  };
  const absl::Status status = checkpointer_.RemoveOldFiles(release);
  release();
  Report("removing old log files", status);
}

void Maintenance::Report(const char* what, const absl::Status& status) {
  if (status.ok()) return;
  state_.environment.logger->Log(
      io::Severity::kError, absl::StrCat(state_.directory, ": ", what, ": ", status.message()));
}

}  // namespace strata::wal
