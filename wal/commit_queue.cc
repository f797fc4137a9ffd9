#include "wal/commit_queue.h"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "io/status_macros.h"
#include "io/wait_on_word.h"

namespace strata::wal {

using segment::FrameNo;

namespace {

constexpr int kMostYields = 10'000;  // a clock may stand still
constexpr int64_t kLongYieldUs = 500;
constexpr uint64_t kWithoutSecond = 1000;  // syncs, once the second handle was not to be had

absl::Status OwnedElsewhere() {
  return absl::UnavailableError("another process writes to the log");
}

absl::Status StoppedElsewhere() {
  return absl::InternalError("another process could not make commits durable");
}

}  // namespace

CommitQueue::CommitQueue(const CommitPoint& recovered, SyncFunction sync, io::Clock* clock)
    : sync_(std::move(sync)),
      clock_(clock),
      own_(std::make_unique<SharedCommits>()),
      shared_(*own_),
      room_to_give_up_(1) {
  SetPosition({recovered});
  shared_.synced.Store(recovered);
  shared_.visible.Store(recovered);
}

CommitQueue::CommitQueue(SharedCommits* shared, SyncFunction sync, io::Clock* clock)
    : sync_(std::move(sync)), clock_(clock), shared_(*shared), owned_(false), room_to_give_up_(1) {}

// Where another process revived the log, its stop here has used what the next one needs.
void CommitQueue::Adopt() {
  io::MutexLock lock(&mutex_);
  if (room_to_give_up_.empty()) room_to_give_up_.emplace_back();
  announced_.Store(shared_.appended.Load());
  owned_ = true;
  ++ownership_;
  if (!failed()) {
    failure_ = absl::OkStatus();  // another process has revived it
  } else if (failure_.ok()) {
    failure_ = StoppedElsewhere();
  }
}

void CommitQueue::Disown() {
  io::MutexLock lock(&mutex_);
  while (under_way() > 0) changed_.Wait(&mutex_);
  while (!pending_.empty() && failure_.ok()) {
    Lead();
    while (under_way() > 0) changed_.Wait(&mutex_);
  }
  owned_ = false;
}

bool CommitQueue::owned() const { return owned_; }

uint64_t CommitQueue::ownership() const {
  io::MutexLock lock(&mutex_);
  return ownership_;
}

absl::Status CommitQueue::failure() const {
  if (!failed()) return absl::OkStatus();
  io::MutexLock lock(&mutex_);
  return StoppedBy();
}

absl::Status CommitQueue::StoppedBy() const {
  if (!failed()) return absl::OkStatus();
  return failure_.ok() ? StoppedElsewhere() : failure_;
}

void CommitQueue::EnsureRoom() {
  if (room_.empty()) room_.emplace_back();
}

void CommitQueue::Reserve() {
  io::MutexLock lock(&mutex_);
  EnsureRoom();
}

void CommitQueue::SetPosition(const LogPosition& position) {
  announced_.Store(position);
  shared_.appended.Store(position);
}

void CommitQueue::NoteWritten(const LogPosition& position) {
  io::MutexLock lock(&mutex_);
  if (owned_ && position.commit.frame > shared_.appended.Load().commit.frame)
    shared_.appended.Store(position);
}

void CommitQueue::NoteMoved(uint64_t sequence) {
  io::MutexLock lock(&mutex_);
  SetPosition({announced_.Load().commit, sequence, 0});
}

void CommitQueue::Append(const LogPosition& position, Durability durability, Placing placing) {
  io::MutexLock lock(&mutex_);
  announced_.Store(position);
  if (placing == Placing::kNow) shared_.appended.Store(position);
  if (!failure_.ok()) {  // while it was being written
    if (!given_up_.empty()) given_up_.back().last = position.commit.frame;
    return;
  }
  EnsureRoom();
  pending_.splice(pending_.end(), room_, room_.begin());
  pending_.back() = {position.commit, durability == Durability::kFull};
  if (durability == Durability::kFull) ++uncovered_;
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

// Who waits sleeps on the word of the sync that covers his commit, all of one sync are woken by one
// call, and do not take the mutex again when their commit is there.
absl::Status CommitQueue::Wait(const PublishedCommit& reached, FrameNo frame) {
  Gathering::Watch watch;
  while (reached.frame() < frame) {
    std::atomic<uint32_t>* word = nullptr;
    uint32_t ended = 0;
    Gathering::Pause pause{Gathering::Pause::Kind::kUntilWoken};
    {
      io::MutexLock lock(&mutex_);
      if (reached.frame() >= frame) break;
      STRATA_RETURN_IF_ERROR(StoppedBy());
      if (!owned_) return OwnedElsewhere();
      const uint64_t sync = SyncThatCovers(frame);
      if (sync > begun_ && MayLead()) {
        pause = under_way() > 0 ? Gathering::Pause{} : gathering_.Before(sync, uncovered_, &watch);
        if (pause.kind == Gathering::Pause::Kind::kNone) {
          Lead();
          continue;
        }
      }
      word = &ended_[sync % kWords];
      ended = word->load(std::memory_order_relaxed);
    }
    switch (pause.kind) {
      case Gathering::Pause::Kind::kYield:
        watch.lost_processor = !YieldFor(pause);
        break;
      case Gathering::Pause::Kind::kSleep:
        io::WaitOnWordFor(*word, ended, pause.microseconds);
        break;
      default:
        io::WaitOnWord(*word, ended);
    }
  }
  return any_given_up_.load(std::memory_order_acquire) ? WhyGivenUp(frame) : absl::OkStatus();
}

// False: this thread did not get its processor back for long.
bool CommitQueue::YieldFor(const Gathering::Pause& pause) const {
  const int64_t begun = clock_->MonotonicMicros();
  int64_t now = begun;
  for (int i = 0; i < kMostYields && uncovered_ < pause.expected; ++i) {
    const int64_t before = now;
    std::this_thread::yield();
    now = clock_->MonotonicMicros();
    if (now - before > kLongYieldUs) return false;
    if (now - begun >= pause.microseconds) break;
  }
  return true;
}

// What was given up has its number all the same once the log goes on.
absl::Status CommitQueue::WhyGivenUp(FrameNo frame) const {
  io::MutexLock lock(&mutex_);
  for (const GivenUp& each : given_up_) {
    if (frame > each.after && frame <= each.last) return each.why;
  }
  return absl::OkStatus();
}

// The next one, when none under way does.
uint64_t CommitQueue::SyncThatCovers(FrameNo frame) const {
  uint64_t first = begun_ + 1;
  for (const Sync& sync : syncs_) {
    if (sync.number != 0 && sync.target >= frame) first = std::min(first, sync.number);
  }
  return first;
}

size_t CommitQueue::under_way() const {
  return static_cast<size_t>(std::count_if(syncs_.begin(), syncs_.end(),
                                           [](const Sync& sync) { return sync.number != 0; }));
}

// A second sync for a single commit would cost the others a third one.
bool CommitQueue::MayLead() const {
  const size_t busy = under_way();
  if (busy == 0) return true;
  return busy < kHandles && begun_ >= second_from_ && 2 * uncovered_ >= covered_[0] + covered_[1];
}

void CommitQueue::WaitForHandle() {
  while (under_way() == kHandles || (under_way() > 0 && begun_ < second_from_))
    changed_.Wait(&mutex_);
}

// Of those who wait for the next sync one is woken when none is under way, to lead it. Whoever
// leads wakes the next one in turn. Without the mutex: who is woken takes the processor away.
void CommitQueue::WakeWaiters(uint64_t sync) {
  std::atomic<uint32_t>& theirs = ended_[sync % kWords];
  std::atomic<uint32_t>* next = under_way() == 0 ? &ended_[(begun_ + 1) % kWords] : nullptr;
  theirs.fetch_add(1);
  if (next != nullptr) next->fetch_add(1);
  changed_.SignalAll();
  mutex_.Unlock();
  if (next != nullptr) io::WakeOneOnWord(*next);
  io::WakeAllOnWord(theirs);
  mutex_.Lock();
}

void CommitQueue::WakeAll() {
  for (std::atomic<uint32_t>& word : ended_) {
    word.fetch_add(1);
    io::WakeAllOnWord(word);
  }
  changed_.SignalAll();
}

absl::Status CommitQueue::SyncNow() {
  io::MutexLock lock(&mutex_);
  WaitForHandle();
  if (!owned_ && shared_.synced.frame() >= appended().frame) return StoppedBy();
  if (!owned_) return OwnedElsewhere();
  if (failure_.ok()) Lead();
  return failure_;
}

absl::Status CommitQueue::SyncNow(uint64_t ownership) {
  io::MutexLock lock(&mutex_);
  WaitForHandle();
  if (!owned_ || ownership_ != ownership) return OwnedElsewhere();
  if (failure_.ok()) Lead();
  return failure_;
}

absl::Status CommitQueue::SyncWithoutThrowing(FrameNo target, SyncHandle handle) {
  try {
    return sync_(target, handle);
  } catch (const std::bad_alloc&) {
    return absl::Status(absl::StatusCode::kResourceExhausted, "");  // a message needs memory
  }
}

void CommitQueue::StopWith(absl::Status why) {
  given_up_.splice(given_up_.end(), room_to_give_up_, room_to_give_up_.begin());
  given_up_.back() = {shared_.visible.frame(), appended().frame, why};
  any_given_up_.store(true, std::memory_order_release);
  failure_ = std::move(why);
  shared_.failed.store(1, std::memory_order_release);
  room_.splice(room_.end(), pending_);
  uncovered_ = 0;
  WakeAll();
}

void CommitQueue::PrepareToRevive() {
  io::MutexLock lock(&mutex_);
  while (under_way() > 0) changed_.Wait(&mutex_);
  if (room_to_give_up_.empty()) room_to_give_up_.emplace_back();
}

void CommitQueue::Revive(const LogPosition& end) {
  io::MutexLock lock(&mutex_);
  SetPosition(end);
  shared_.synced.Store(end.commit);
  shared_.visible.Store(end.commit);
  failure_ = absl::OkStatus();
  shared_.failed.store(0, std::memory_order_release);
  WakeAll();
}

void CommitQueue::Lead() {
  const size_t handle = syncs_[0].number == 0 ? 0 : 1;
  const CommitPoint target = appended();
  const Sync sync = {++begun_, target.frame};
  const size_t covers = uncovered_;
  const int64_t begun_us = clock_->MonotonicMicros();
  syncs_[handle] = sync;
  covered_ = {covered_[1], uncovered_.exchange(0)};
  mutex_.Unlock();
  absl::Status status = SyncWithoutThrowing(target.frame, SyncHandle(handle));
  mutex_.Lock();
  syncs_[handle].number = 0;
  gathering_.NoteSync(clock_->MonotonicMicros() - begun_us, covers, uncovered_);
  Finish(sync, target, std::move(status));
}

// The one that began later may end first: it covers all that the other one does.
void CommitQueue::Finish(const Sync& sync, const CommitPoint& target, absl::Status status) {
  if (absl::IsCancelled(status)) {
    second_from_ = sync.number + kWithoutSecond;
  } else if (!failure_.ok()) {
    return WakeAll();  // nothing is acknowledged any more
  } else if (!status.ok()) {
    return StopWith(std::move(status));
  } else if (target.frame > shared_.synced.frame()) {
    shared_.synced.Store(target);
    PublishVisible();
  }
  WakeWaiters(sync.number);
}

}  // namespace strata::wal
