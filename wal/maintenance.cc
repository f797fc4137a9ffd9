#include "wal/maintenance.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;

namespace {
constexpr int64_t kIdleUs = 60'000'000;
constexpr int64_t kRetryLockUs = 10'000;
constexpr int64_t kFirstBackoffUs = 100'000;
constexpr int64_t kLongestBackoffUs = 30'000'000;
}  // namespace

void Maintenance::Start() {
  if (!state_.options.background || started_.load(std::memory_order_acquire)) return;
  io::MutexLock lock(&mutex_);
  if (running_ || stop_) return;
  running_ = true;
  sync_thread_ = std::thread([this] { Loop(&Maintenance::RunSyncs); });
  transfer_thread_ = std::thread([this] { Loop(&Maintenance::RunTransfers); });
  started_.store(true, std::memory_order_release);
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
    const int64_t now = state_.environment.clock->MonotonicMicros();
    const int64_t next = (this->*round)(now);
    io::MutexLock lock(&mutex_);
    if (stop_) return;
    const int64_t wait = next - state_.environment.clock->MonotonicMicros();
    if (wait > 0) wake_.WaitFor(&mutex_, wait);
    if (stop_) return;
  }
}

void Maintenance::NoteCommit(Durability durability) {
  if (durability != Durability::kOff) any_synced_.store(true, std::memory_order_relaxed);
  Start();
}

void Maintenance::RequestCheckpoint() {
  if (checkpoint_requested_.exchange(true)) return;
  io::MutexLock lock(&mutex_);
  wake_.SignalAll();
}

int64_t Maintenance::RunSyncs(int64_t now) {
  // The threads do not hear of single commits: they look often enough to be in time for each.
  int64_t next = now + std::min(state_.options.quiet_us, state_.options.unsynced_us);
  if (off_only() || state_.commits->failed()) return next;
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
  if (state_.write_lock.Acquire(0, nullptr) != WriteLock::Outcome::kAcquired) {
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
  int64_t next = now + kIdleUs;
  if (shipper_.has_store()) {
    next = now + state_.options.seal_after_us / 4;
    ShipIfDue(now, &next);
  }
  next = std::min(next, now + 250'000);
  CheckpointIfDue();
  CleanUp();
  return next;
}

void Maintenance::ShipIfDue(int64_t now, int64_t* next) {
  if (now < retry_ship_us_ || !shipper_.stopped().ok()) return;
  const FrameNo visible = state_.commits->visible_frame();
  FrameNo shipped;
  {
    io::MutexLock lock(&state_.append_mutex);
    shipped = state_.progress.shipped;
  }
  if (visible <= shipped) return;
  const int64_t since = state_.unsealed_since_us.load(std::memory_order_relaxed);
  const bool large = state_.BytesOf(visible.value() - shipped.value()) >= state_.options.seal_bytes;
  if (!large && now - since < state_.options.seal_after_us) {
    *next = std::min(*next, since + state_.options.seal_after_us);
    return;
  }
  io::MutexLock lock(&state_.maintenance);
  const absl::Status status = shipper_.ShipUpTo(visible, now + kIdleUs);
  if (status.ok()) {
    ship_backoff_us_ = 0;
    return;
  }
  Report("shipping", status);
  ship_backoff_us_ = std::clamp(2 * ship_backoff_us_, kFirstBackoffUs, kLongestBackoffUs);
  const int64_t jitter = static_cast<int64_t>(state_.environment.random->Next64() % (ship_backoff_us_ / 2));
  retry_ship_us_ = now + ship_backoff_us_ + jitter;
}

void Maintenance::CheckpointIfDue() {
  const FrameNo visible = state_.commits->visible_frame();
  const uint64_t frames = visible.value() - std::min(visible.value(), state_.index->floor().value());
  const bool requested = checkpoint_requested_.exchange(false);
  if (frames == 0 || (!requested && state_.BytesOf(frames) < state_.options.checkpoint_bytes)) return;
  if (!off_only()) Report("background sync", state_.commits->WaitSynced(visible));
  io::MutexLock lock(&state_.maintenance);
  Report("checkpoint", checkpointer_.Run(visible, !off_only()).status());
}

void Maintenance::CleanUp() {
  Report("spare file", appender_.PrepareSpare());
  io::MutexLock lock(&state_.maintenance);  // a checkpoint or seal under way reads the index without a snapshot
  state_.readers.CollectGarbage();
  if (!checkpointer_.HasOldFiles()) return;
  if (state_.write_lock.Acquire(0, nullptr) != WriteLock::Outcome::kAcquired) return;
  const absl::Status status = checkpointer_.RemoveOldFiles();
  state_.write_lock.Release();
  Report("removing old log files", status);
}

void Maintenance::Report(const char* what, const absl::Status& status) {
  if (status.ok()) return;
  state_.environment.logger->Log(io::Severity::kError, absl::StrCat(state_.directory, ": ", what, ": ", status.message()));
}

}  // namespace strata::wal
