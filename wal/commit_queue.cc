#include "wal/commit_queue.h"

#include <new>
#include <thread>
#include <utility>

namespace strata::wal {

using segment::FrameNo;

namespace {

constexpr int kGatherYields = 500;  // for a clock that stands still

absl::Status OwnedElsewhere() {
  return absl::UnavailableError("another process writes to the log");
}

absl::Status StoppedElsewhere() {
  return absl::InternalError(
      "another process could not make commits durable: the database must be closed by all");
}

}  // namespace

CommitQueue::CommitQueue(const CommitPoint& recovered, SyncFunction sync, io::Clock* clock)
    : sync_(std::move(sync)),
      clock_(clock),
      own_(std::make_unique<SharedCommits>()),
      shared_(*own_) {
  shared_.appended.Store({recovered});
  shared_.synced.Store(recovered);
  shared_.visible.Store(recovered);
}

CommitQueue::CommitQueue(SharedCommits* shared, SyncFunction sync, io::Clock* clock)
    : sync_(std::move(sync)), clock_(clock), shared_(*shared), owned_(false) {}

void CommitQueue::Adopt() {
  io::MutexLock lock(&mutex_);
  owned_ = true;
  ++ownership_;
  if (failed() && failure_.ok()) failure_ = StoppedElsewhere();
}

void CommitQueue::Disown() {
  io::MutexLock lock(&mutex_);
  while (syncing_) changed_.Wait(&mutex_);
  writers_ = 1;  // nobody can join in: the caller has the write lock
  while (!pending_.empty() && failure_.ok()) {
    Lead();
    while (syncing_) changed_.Wait(&mutex_);
  }
  owned_ = false;
}

bool CommitQueue::owned() const {
  io::MutexLock lock(&mutex_);
  return owned_;
}

uint64_t CommitQueue::ownership() const {
  io::MutexLock lock(&mutex_);
  return ownership_;
}

absl::Status CommitQueue::failure() const {
  io::MutexLock lock(&mutex_);
  return failure_.ok() && failed() ? StoppedElsewhere() : failure_;
}

void CommitQueue::EnsureRoom() {
  if (room_.empty()) room_.emplace_back();
}

void CommitQueue::Reserve() {
  io::MutexLock lock(&mutex_);
  EnsureRoom();
}

void CommitQueue::Append(const LogPosition& position, Durability durability) {
  io::MutexLock lock(&mutex_);
  if (!failure_.ok()) return;
  EnsureRoom();
  shared_.appended.Store(position);
  pending_.splice(pending_.end(), room_, room_.begin());
  pending_.back() = {position.commit, durability == Durability::kFull};
  if (durability == Durability::kFull) ++unsynced_;
  PublishVisible();
}

// Everything up to the first commit that still waits for its sync.
void CommitQueue::PublishVisible() {
  const uint64_t synced = shared_.synced.frame().value();
  bool any = false;
  CommitPoint newest;
  while (!pending_.empty() &&
         (!pending_.front().needs_sync || pending_.front().commit.frame.value() <= synced)) {
    newest = pending_.front().commit;
    if (pending_.front().needs_sync) --unsynced_;
    any = true;
    room_.splice(room_.end(), pending_, pending_.begin());
  }
  if (any) shared_.visible.Store(newest);
}

absl::Status CommitQueue::WaitVisible(FrameNo frame) { return Wait(shared_.visible, frame); }

absl::Status CommitQueue::WaitSynced(FrameNo frame) { return Wait(shared_.synced, frame); }

// All who wait are woken by one call, and do not take the mutex again when their commit is there.
absl::Status CommitQueue::Wait(const PublishedCommit& reached, FrameNo frame) {
  while (reached.frame() < frame) {
    uint32_t ended;
    {
      io::MutexLock lock(&mutex_);
      if (reached.frame() >= frame) break;
      if (!failure_.ok()) return failure_;
      if (!owned_) return OwnedElsewhere();
      if (!syncing_) {
        Lead();
        continue;
      }
      ended = syncs_.load(std::memory_order_relaxed);
    }
    syncs_.wait(ended);
  }
  return absl::OkStatus();
}

void CommitQueue::WakeWaiters() {
  syncs_.fetch_add(1);
  syncs_.notify_all();
  changed_.SignalAll();
}

// Who took part in the last sync is likely to commit again at once, and one sync for all of them is
// worth more than the moment it takes. The processor is theirs meanwhile; who does not come back is
// not waited for a second time.
void CommitQueue::GatherOthers(size_t writers, int64_t gather_us) const {
  if (writers <= 1) return;
  const int64_t end_us = clock_->MonotonicMicros() + gather_us;
  for (int i = 0; i < kGatherYields; ++i) {
    const size_t unsynced = unsynced_.load(std::memory_order_relaxed);
    if (unsynced == 0 || unsynced >= writers || clock_->MonotonicMicros() > end_us) return;
    std::this_thread::yield();
  }
}

absl::Status CommitQueue::SyncNow() {
  io::MutexLock lock(&mutex_);
  while (syncing_) changed_.Wait(&mutex_);
  if (!owned_ && shared_.synced.frame() >= appended().frame) return failure_;
  if (!owned_) return OwnedElsewhere();
  if (failure_.ok()) Lead();
  return failure_;
}

absl::Status CommitQueue::SyncNow(uint64_t ownership) {
  io::MutexLock lock(&mutex_);
  while (syncing_) changed_.Wait(&mutex_);
  if (!owned_ || ownership_ != ownership) return OwnedElsewhere();
  if (failure_.ok()) Lead();
  return failure_;
}

absl::Status CommitQueue::SyncWithoutThrowing(FrameNo target) {
  try {
    return sync_(target);
  } catch (const std::bad_alloc&) {
    return absl::Status(absl::StatusCode::kResourceExhausted, "");  // a message needs memory
  }
}

void CommitQueue::StopWith(absl::Status why) {
  failure_ = std::move(why);
  shared_.failed.store(1, std::memory_order_release);
  pending_.clear();
  unsynced_ = 0;
  shared_.visible.Store(shared_.synced.Load());
  WakeWaiters();
}

void CommitQueue::Lead() {
  syncing_ = true;
  const size_t writers = writers_;
  const int64_t gather_us = 2 * last_sync_us_;
  mutex_.Unlock();
  GatherOthers(writers, gather_us);
  mutex_.Lock();
  const CommitPoint target = appended();
  mutex_.Unlock();
  const int64_t begun_us = clock_->MonotonicMicros();
  absl::Status status = SyncWithoutThrowing(target.frame);
  mutex_.Lock();
  last_sync_us_ = clock_->MonotonicMicros() - begun_us;
  syncing_ = false;
  writers_ = unsynced_;  // with those who came meanwhile
  if (status.ok()) {
    shared_.synced.Store(target);
    PublishVisible();
  } else {
    StopWith(std::move(status));
  }
  WakeWaiters();
}

}  // namespace strata::wal
