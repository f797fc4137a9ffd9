#include "wal/commit_queue.h"

#include <new>
#include <utility>

namespace strata::wal {

using segment::FrameNo;

namespace {

absl::Status OwnedElsewhere() {
  return absl::UnavailableError("another process writes to the log");
}

}  // namespace

CommitQueue::CommitQueue(const CommitPoint& recovered, SyncFunction sync)
    : sync_(std::move(sync)), own_(std::make_unique<SharedCommits>()), shared_(*own_) {
  shared_.appended.Store({recovered});
  shared_.synced.Store(recovered);
  shared_.visible.Store(recovered);
}

CommitQueue::CommitQueue(SharedCommits* shared, SyncFunction sync)
    : sync_(std::move(sync)), shared_(*shared), owned_(false) {}

void CommitQueue::Adopt() {
  io::MutexLock lock(&mutex_);
  owned_ = true;
  ++ownership_;
}

void CommitQueue::Disown() {
  io::MutexLock lock(&mutex_);
  while (syncing_) changed_.Wait(&mutex_);
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
  if (failure_.ok() && failed()) {
    return absl::InternalError(
        "another process could not make commits durable: the database must be closed by all");
  }
  return failure_;
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
    any = true;
    room_.splice(room_.end(), pending_, pending_.begin());
  }
  if (any) shared_.visible.Store(newest);
}

absl::Status CommitQueue::WaitVisible(FrameNo frame) { return Wait(shared_.visible, frame); }

absl::Status CommitQueue::WaitSynced(FrameNo frame) { return Wait(shared_.synced, frame); }

absl::Status CommitQueue::Wait(const PublishedCommit& reached, FrameNo frame) {
  if (reached.frame() >= frame) return absl::OkStatus();
  io::MutexLock lock(&mutex_);
  while (reached.frame() < frame) {
    if (!failure_.ok()) return failure_;
    if (!owned_) return OwnedElsewhere();
    if (syncing_) {
      WaitForLeader(reached, frame);
    } else {
      Lead();
    }
  }
  return absl::OkStatus();
}

void CommitQueue::WaitForLeader(const PublishedCommit& reached, FrameNo frame) {
  Waiter self{reached, frame, waiters_, {}};
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
    const bool done = waiter->reached.frame() >= waiter->frame;
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
  shared_.visible.Store(shared_.synced.Load());
  WakeWaiters();
}

void CommitQueue::Lead() {
  syncing_ = true;
  const CommitPoint target = appended();
  mutex_.Unlock();
  absl::Status status = SyncWithoutThrowing(target.frame);
  mutex_.Lock();
  syncing_ = false;
  if (status.ok()) {
    shared_.synced.Store(target);
    PublishVisible();
  } else {
    StopWith(std::move(status));
  }
  WakeWaiters();
}

}  // namespace strata::wal
