#include "wal/commit_queue.h"

#include <new>
#include <utility>

namespace strata::wal {

using segment::FrameNo;

CommitQueue::CommitQueue(const CommitPoint& recovered, SyncFunction sync)
    : sync_(std::move(sync)),
      appended_(recovered),
      synced_(recovered),
      synced_frame_(recovered.frame.value()) {
  io::MutexLock lock(&mutex_);
  SetVisible(recovered);
}

void CommitQueue::SetVisible(const CommitPoint& commit) {
  const uint64_t sequence = sequence_.load(std::memory_order_relaxed);
  sequence_.store(sequence + 1, std::memory_order_seq_cst);
  visible_frame_.store(commit.frame.value(), std::memory_order_seq_cst);
  visible_pages_.store(commit.database_pages, std::memory_order_seq_cst);
  visible_time_us_.store(commit.time_us, std::memory_order_seq_cst);
  sequence_.store(sequence + 2, std::memory_order_seq_cst);
}

CommitPoint CommitQueue::visible() const {
  for (;;) {
    const uint64_t before = sequence_.load(std::memory_order_seq_cst);
    CommitPoint commit{FrameNo(visible_frame_.load(std::memory_order_seq_cst)),
                       visible_pages_.load(std::memory_order_seq_cst),
                       visible_time_us_.load(std::memory_order_seq_cst)};
    if (before % 2 == 0 && sequence_.load(std::memory_order_seq_cst) == before) return commit;
  }
}

CommitPoint CommitQueue::appended() const {
  io::MutexLock lock(&mutex_);
  return appended_;
}

absl::Status CommitQueue::failure() const {
  io::MutexLock lock(&mutex_);
  return failure_;
}

void CommitQueue::EnsureRoom() {
  if (room_.empty()) room_.emplace_back();
}

void CommitQueue::Reserve() {
  io::MutexLock lock(&mutex_);
  EnsureRoom();
}

void CommitQueue::Append(const CommitPoint& commit, Durability durability) {
  io::MutexLock lock(&mutex_);
  if (!failure_.ok()) return;
  EnsureRoom();
  appended_ = commit;
  pending_.splice(pending_.end(), room_, room_.begin());
  pending_.back() = {commit, durability == Durability::kFull};
  PublishVisible();
}

// Everything up to the first commit that still waits for its sync.
void CommitQueue::PublishVisible() {
  const uint64_t synced = synced_frame_.load(std::memory_order_relaxed);
  bool any = false;
  CommitPoint newest;
  while (!pending_.empty() &&
         (!pending_.front().needs_sync || pending_.front().commit.frame.value() <= synced)) {
    newest = pending_.front().commit;
    any = true;
    room_.splice(room_.end(), pending_, pending_.begin());
  }
  if (any) SetVisible(newest);
}

absl::Status CommitQueue::WaitVisible(FrameNo frame) { return Wait(visible_frame_, frame); }

absl::Status CommitQueue::WaitSynced(FrameNo frame) { return Wait(synced_frame_, frame); }

absl::Status CommitQueue::Wait(const std::atomic<uint64_t>& reached, FrameNo frame) {
  if (reached.load(std::memory_order_acquire) >= frame.value()) return absl::OkStatus();
  io::MutexLock lock(&mutex_);
  while (reached.load(std::memory_order_relaxed) < frame.value()) {
    if (!failure_.ok()) return failure_;
    if (syncing_) {
      WaitForLeader(reached, frame);
    } else {
      Lead();
    }
  }
  return absl::OkStatus();
}

void CommitQueue::WaitForLeader(const std::atomic<uint64_t>& reached, FrameNo frame) {
  Waiter self{reached, frame.value(), waiters_, {}};
  waiters_ = &self;
  self.wake.Wait(&mutex_);
  Waiter** at = &waiters_;
  while (*at != &self) at = &(*at)->next;
  *at = self.next;
}

// Those whose frame has come, and of the others the one who waited longest, to lead. Nobody else: a
// thread that is woken only to wait again costs two switches.
void CommitQueue::WakeWaiters() {
  Waiter* leader = nullptr;
  for (Waiter* waiter = waiters_; waiter != nullptr; waiter = waiter->next) {
    const bool done = waiter->reached.load(std::memory_order_relaxed) >= waiter->frame;
    if (done || !failure_.ok()) {
      waiter->wake.Signal();
    } else {
      leader = waiter;
    }
  }
  if (leader != nullptr) leader->wake.Signal();
  changed_.SignalAll();
}

absl::Status CommitQueue::SyncNow() {
  io::MutexLock lock(&mutex_);
  while (syncing_) changed_.Wait(&mutex_);
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
  failed_.store(true, std::memory_order_release);
  pending_.clear();
  SetVisible(synced_);
  WakeWaiters();
}

void CommitQueue::Lead() {
  syncing_ = true;
  const CommitPoint target = appended_;
  mutex_.Unlock();
  absl::Status status = SyncWithoutThrowing(target.frame);
  mutex_.Lock();
  syncing_ = false;
  if (status.ok()) {
    synced_ = target;
    synced_frame_.store(target.frame.value(), std::memory_order_release);
    PublishVisible();
  } else {
    StopWith(std::move(status));
  }
  WakeWaiters();
}

}  // namespace strata::wal
