#include "wal/maintenance.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/maintenance_lock.h"

namespace strata::wal {

using segment::FrameNo;

namespace {
constexpr int64_t kIdleUs = 60'000'000;
constexpr int64_t kShipRoundUs =
    1'000'000;  // then others get their turn, and a close is not held up
constexpr int64_t kAwakeUs = 1'000'000;
constexpr int64_t kRetryTransferUs = 250'000;
constexpr int64_t kRetryLockUs = 10'000;
constexpr int64_t kOweSyncsWaitUs = 60'000'000;
constexpr int64_t kCleanUpWaitUs = 100'000;  // in the queue of writers
constexpr int64_t kFirstBackoffUs = 100'000;
constexpr int64_t kLongestBackoffUs = 30'000'000;
}  // namespace

void Maintenance::Start() {
  if (!state_.options.background || started_.load(std::memory_order_acquire)) return;
  io::MutexLock lock(&mutex_);
  if (running_ || stop_) return;
  try {
    if (!sync_thread_.joinable()) sync_thread_ = std::thread([this] { LoopAtBell(); });
    transfer_thread_ = std::thread([this] { Loop(&Maintenance::RunTransfers); });
    running_ = true;
    started_.store(true, std::memory_order_release);
    ownership_.set_listening(true);
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
    shipped_.SignalAll();
  }
  ownership_.set_listening(false);
  if (sync_thread_.joinable()) state_.attachment->Ring(state_.attachment->slot());
  if (sync_thread_.joinable()) sync_thread_.join();
  if (transfer_thread_.joinable()) transfer_thread_.join();
}

// A round, and once more when there was nothing to do: announced, then looked again, so that a
// commit either sees the announcement or is seen.
int64_t Maintenance::RunTwiceWhenIdle(Round round, int64_t idle_us, bool* idle) {
  int64_t now = state_.environment.clock->MonotonicMicros();
  const int64_t next = RunWithoutThrowing(round, now);
  *idle = next - now > idle_us;
  if (!*idle) return next;
  sleeping_.fetch_add(1, std::memory_order_seq_cst);
  now = state_.environment.clock->MonotonicMicros();
  return std::min(RunWithoutThrowing(round, now), now + kIdleUs);
}

void Maintenance::Loop(Round round) {
  while (!stopped()) {
    bool idle = false;
    SleepUntil(RunTwiceWhenIdle(round, kIdleUs, &idle));
    if (idle) sleeping_.fetch_sub(1, std::memory_order_seq_cst);
  }
}

// The same, woken by other processes too.
void Maintenance::LoopAtBell() {
  const std::atomic<uint32_t>& bell = state_.shared.processes[state_.attachment->slot()].bell;
  while (!stopped()) {
    const uint32_t heard = bell.load(std::memory_order_seq_cst);
    bool idle = false;
    // Once it looks less often than commits are due, it has to hear of them.
    const int64_t often = std::min(state_.options.quiet_us, state_.options.unsynced_us);
    const int64_t next = RunTwiceWhenIdle(&Maintenance::RunSyncs, often, &idle);
    const int64_t wait = next - state_.environment.clock->MonotonicMicros();
    if (!stopped() && wait > 0) state_.attachment->memory().Wait(bell, heard, wait);
    if (idle) sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    if (bell.load(std::memory_order_seq_cst) == heard) continue;
    io::MutexLock lock(&mutex_);
    wake_.SignalAll();
  }
}

bool Maintenance::stopped() {
  io::MutexLock lock(&mutex_);
  return stop_;
}

void Maintenance::SleepUntil(int64_t next) {
  io::MutexLock lock(&mutex_);
  const int64_t wait = next - state_.environment.clock->MonotonicMicros();
  if (!stop_ && wait > 0 && !checkpoint_requested_.load()) wake_.WaitFor(&mutex_, wait);
}

absl::Status Maintenance::OweSyncs() {
  if (!off_only()) return absl::OkStatus();
  // A checkpoint without syncs that is under way, here or in another process, ends first.
  MaintenanceLock lock(&state_, &follower_, kOweSyncsWaitUs);
  STRATA_RETURN_IF_ERROR(lock.status());
  STRATA_RETURN_IF_ERROR(checkpointer_.SyncDatabase());
  OweSyncsFromBefore();
  return absl::OkStatus();
}

void Maintenance::NoteCommit() {
  const bool spare_wanted =
      state_.spare_wanted.load(std::memory_order_relaxed) && state_.spare_wanted.exchange(false);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!spare_wanted && sleeping_.load(std::memory_order_seq_cst) == 0) return;
  state_.attachment->Ring(state_.attachment->slot());
  io::MutexLock lock(&mutex_);
  wake_.SignalAll();
}

void Maintenance::RequestCheckpoint() {
  if (checkpoint_requested_.exchange(true)) return;
  io::MutexLock lock(&mutex_);
  wake_.SignalAll();
}

void Maintenance::RequestShip(FrameNo frame) {
  uint64_t before = ship_requested_.load();
  while (before < frame.value() && !ship_requested_.compare_exchange_weak(before, frame.value())) {
  }
  io::MutexLock lock(&mutex_);
  wake_.SignalAll();
}

void Maintenance::WaitForShip(int64_t wait_us) {
  io::MutexLock lock(&mutex_);
  if (!stop_) shipped_.WaitFor(&mutex_, wait_us);
}

int64_t Maintenance::RunSyncs(int64_t now) {
  const int64_t others = ownership_.LookAround(now);
  if (!ownership_.owned()) return others;  // syncs are the owner's
  if (state_.commits->failed()) return std::min(others, revival_.RunIfDue(now));
  Report("spare file", appender_.spares().Prepare());
  // A thread that is awake does not hear of single commits: it looks often enough to be in time for
  // each.
  const int64_t last = state_.last_commit_us.load(std::memory_order_seq_cst);
  const bool owes = state_.unsynced_since_us.load(std::memory_order_seq_cst) != 0 ||
                    last != marked_commit_us_.load(std::memory_order_relaxed);
  if (off_only() || !owes) return others;
  int64_t next =
      std::min(others, now + std::min(state_.options.quiet_us, state_.options.unsynced_us));
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
  absl::Status status;
  {
    const auto release = absl::MakeCleanup([this] { state_.write_lock.Release(); });
    status = appender_.AppendMark();
  }
  if (status.ok()) status = state_.commits->SyncNow();
  marked_commit_us_.store(last, std::memory_order_relaxed);
  Report("mark record", status);
  if (status.ok()) Rest(last);
}

// Whoever writes next, in whatever process, need not ask: this one may be stopped by then.
void Maintenance::Rest(int64_t last_commit_us) {
  if (!state_.write_lock.TryAcquireForBackground()) return;
  if (state_.last_commit_us.load() == last_commit_us) ownership_.HandOver();
  state_.write_lock.Release();
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
  return ShipIsRequested() ? std::min(next, std::max(now, retry_ship_us_)) : next;
}

void Maintenance::NoteShip() {
  io::MutexLock lock(&mutex_);
  shipped_.SignalAll();
}

// Something that was asked for is visible, and not in the store.
bool Maintenance::ShipIsRequested() const {
  if (!shipper_.has_store() || !shipper_.stopped().ok()) return false;
  const FrameNo wanted = std::min(FrameNo(ship_requested_.load()), state_.commits->visible_frame());
  io::MutexLock lock(&state_.append_mutex);
  state_.RefreshProgress();
  return wanted > state_.progress.shipped;
}

void Maintenance::ShipIfDue(int64_t now, int64_t* next) {
  if (!shipper_.stopped().ok()) return;
  const FrameNo visible = state_.commits->visible_frame();
  FrameNo shipped;
  {
    io::MutexLock lock(&state_.append_mutex);
    state_.RefreshProgress();
    shipped = state_.progress.shipped;
  }
  if (visible <= shipped) {
    io::MutexLock lock(&state_.maintenance);
    *next = std::min(*next, shipper_.WriteHintIfDue(now).value_or(kNothingDue));
    return;
  }
  *next = std::min(*next, std::max(now + state_.options.seal_after_us / 4, retry_ship_us_));
  if (now < retry_ship_us_) return;
  const int64_t since = state_.unsealed_since_us.load(std::memory_order_relaxed);
  const bool large = state_.BytesOf(visible.value() - shipped.value()) >= state_.options.seal_bytes;
  const bool requested = ship_requested_.load() > shipped.value();
  if (!large && !requested && now - since < state_.options.seal_after_us) {
    *next = std::min(*next, since + state_.options.seal_after_us);
    return;
  }
  MaintenanceLock lock(&state_, &follower_, 0);
  if (absl::IsUnavailable(lock.status())) {
    retry_ship_us_ = now + kRetryLockUs;
    return;
  }
  const absl::Status status =
      lock.status().ok() ? shipper_.ShipUpTo(visible, now + kShipRoundUs) : lock.status();
  NoteShip();
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
  MaintenanceLock lock(&state_, &follower_, 0);
  Report("checkpoint",
         lock.status().ok() ? checkpointer_.Run(visible, !off_only()).status() : lock.status());
}

void Maintenance::CleanUp() {
  {
    // A checkpoint or seal under way reads the index without a snapshot.
    io::MutexLock lock(&state_.maintenance);
    state_.readers.CollectGarbage();
    if (!checkpointer_.HasOldFiles()) return;
  }
  const int64_t wait_us = state_.options.background ? kCleanUpWaitUs : 0;
  if (!state_.write_lock.AcquireForBackground(wait_us)) return;
  bool held = true;
  const auto release = [&] {
    if (std::exchange(held, false)) state_.write_lock.Release();
  };
  const auto at_last = absl::MakeCleanup(release);
  // Writers wait for this thread now, so that it waits for nobody.
  if (state_.maintenance.TryLock()) {
    MaintenanceLock lock(std::adopt_lock, &state_, &follower_);
    Report("removing old log files",
           lock.status().ok() ? checkpointer_.RemoveOldFiles(release) : lock.status());
  }
}

void Maintenance::Report(const char* what, const absl::Status& status) {
  // Unavailable: another process does it, or its turn comes again.
  if (status.ok() || absl::IsUnavailable(status)) return;
  state_.environment.logger->Log(
      io::Severity::kError, absl::StrCat(state_.directory, ": ", what, ": ", status.message()));
}

}  // namespace strata::wal
