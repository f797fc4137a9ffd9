#include "wal/log_ownership.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;
using Outcome = WriteLock::Outcome;

namespace {

constexpr int64_t kHoldUs = 1'000;   // an owner with work to do keeps the log this long,
constexpr int64_t kYieldUs = 2'000;  // and then leaves it this long to the one who asked
constexpr int64_t kPollUs = 2'000;   // a dead owner rings no bell
constexpr int64_t kAskAgainUs = 10'000;
constexpr int64_t kBuryUs = 10'000'000;
constexpr uint32_t kNobodyYet = std::numeric_limits<uint32_t>::max();

}  // namespace

Outcome LogOwnership::Ensure(int64_t timeout_us, const std::function<bool()>& interrupted) {
  if (!owned()) {
    LetOthersFirst();
    const Outcome outcome = WaitForByte(timeout_us, interrupted);
    if (outcome != Outcome::kAcquired) return outcome;
    auto unlock =
        absl::MakeCleanup([this] { state_.attachment->Unlock(kWriteByte).IgnoreError(); });
    absl::Status taken = Take();
    if (!taken.ok()) return Fail(std::move(taken));
    std::move(unlock).Cancel();
  }
  // The background's work is soon done: nobody is to hear that the log is busy.
  if (timeout_us >= 0) state_.shared.write_lock.in_transaction.store(1, std::memory_order_relaxed);
  return Outcome::kAcquired;
}

Outcome LogOwnership::Fail(absl::Status why) {
  io::MutexLock lock(&mutex_);
  failure_ = std::move(why);
  return Outcome::kFailed;
}

absl::Status LogOwnership::failure() const {
  io::MutexLock lock(&mutex_);
  return failure_;
}

// One who was waited for is not overtaken by the threads of this process.
void LogOwnership::LetOthersFirst() {
  if (handed_us_ == 0) return;
  const SharedWriteLock& lock = state_.shared.write_lock;
  const int64_t left = handed_us_ + kYieldUs - Now();
  handed_us_ = 0;
  if (left > 0 && lock.taken.load() == handed_taken_)
    state_.attachment->memory().Wait(lock.taken, handed_taken_, std::min(left, kYieldUs));
}

// An owner that is idle is not busy: even one who would not wait waits for it to let go.
Outcome LogOwnership::WaitForByte(int64_t timeout_us, const std::function<bool()>& interrupted) {
  SharedWriteLock& lock = state_.shared.write_lock;
  const int64_t begun = Now();
  int64_t asked_us = 0;
  int64_t waited = 0;
  for (;;) {
    const uint32_t released = lock.released.load(std::memory_order_seq_cst);
    const absl::StatusOr<bool> locked = state_.attachment->TryLock(kWriteByte);
    if (!locked.ok()) return Fail(locked.status());
    if (*locked) return Outcome::kAcquired;
    if (timeout_us < 0) return Outcome::kTimedOut;
    const bool busy = lock.in_transaction.load(std::memory_order_relaxed) != 0;
    const int64_t limit = std::max(timeout_us, busy ? 0 : state_.options.idle_owner_us);
    const int64_t now = Now();
    waited = std::max(waited, now - begun);
    if (waited >= limit) return Outcome::kTimedOut;
    if (interrupted && interrupted()) return Outcome::kInterrupted;
    Ask(&asked_us, begun + waited);
    const int64_t slice = std::min(limit - waited, kPollUs);
    state_.attachment->memory().Wait(lock.released, released, slice);
    if (Now() == now) waited += slice;  // a clock that stands still
  }
}

void LogOwnership::Ask(int64_t* asked_us, int64_t now) {
  SharedWriteLock& lock = state_.shared.write_lock;
  lock.wanted.store(1, std::memory_order_seq_cst);
  if (*asked_us != 0 && now - *asked_us < kAskAgainUs) return;
  *asked_us = now;
  const uint32_t owner = lock.owner.load(std::memory_order_seq_cst);
  if (owner != 0 && owner <= kMaxProcesses) state_.attachment->Ring(owner - 1);
}

absl::Status LogOwnership::Take() {
  SharedWriteLock& lock = state_.shared.write_lock;
  const bool in_order = lock.owner.load(std::memory_order_seq_cst) == 0;
  STRATA_RETURN_IF_ERROR(in_order ? Resume() : TakeOver());
  last_ownership_ = lock.ownerships.fetch_add(1, std::memory_order_seq_cst) + 1;
  lock.in_transaction.store(0, std::memory_order_relaxed);  // of one who died
  lock.owner.store(state_.attachment->slot() + 1, std::memory_order_seq_cst);
  taken_us_.store(Now(), std::memory_order_relaxed);
  taken_at_ = state_.commits->appended().frame;
  owned_.store(true, std::memory_order_release);
  lock.taken.fetch_add(1, std::memory_order_seq_cst);
  if (!state_.AloneInLog()) state_.attachment->memory().Wake(lock.taken);
  return absl::OkStatus();
}

absl::Status LogOwnership::Resume() {
  STRATA_RETURN_IF_ERROR(follower_.CatchUp());
  const bool others_wrote = state_.shared.write_lock.ownerships.load() != last_ownership_;
  const FrameNo durable = std::max(state_.index->floor(), state_.commits->synced());
  STRATA_RETURN_IF_ERROR(appender_.Resume(state_.commits->position(), durable, others_wrote));
  state_.commits->Adopt();
  if (state_.commits->synced() >= state_.commits->appended().frame) return absl::OkStatus();
  state_.unsynced_since_us.store(Now(), std::memory_order_relaxed);
  state_.last_commit_us.store(Now(), std::memory_order_relaxed);
  return absl::OkStatus();
}

// What the dead owner published is kept and made durable, in a new file, because its own syncs may
// have failed; what it had not published was never acknowledged.
absl::Status LogOwnership::TakeOver() {
  STRATA_RETURN_IF_ERROR(follower_.CatchUp());
  const LogPosition end = state_.commits->position();
  STRATA_RETURN_IF_ERROR(appender_.Resume({end.commit, end.sequence, 0}, end.commit.frame, true));
  if (state_.identity_version.load() != 0 && !state_.commits->failed()) {
    const FrameNo durable = std::max(state_.index->floor(), state_.commits->synced());
    STRATA_RETURN_IF_ERROR(
        appender_.RewriteRecovered(std::min(durable, end.commit.frame), end.commit.frame));
    state_.shared.commits.appended.Store(appender_.End());
    state_.shared.commits.synced.Store(end.commit);
    state_.shared.commits.visible.Store(end.commit);
    // Only now: their marks may have been the only ones of a checkpoint.
    STRATA_RETURN_IF_ERROR(RemoveUnpublishedFiles(end.sequence));
  }
  state_.commits->Adopt();
  return absl::OkStatus();
}

// Log files between the last one that was published and the present one.
absl::Status LogOwnership::RemoveUnpublishedFiles(uint64_t last_sequence) {
  const uint64_t present = appender_.End().sequence;
  io::FileSystem& files = *state_.environment.files;
  STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(state_.directory));
  for (const std::string& name : names) {
    const uint64_t sequence = ParseSegmentFileName(name);
    const bool unpublished = sequence > last_sequence && sequence < present;
    if (!unpublished && !absl::EndsWith(name, ".log.tmp")) continue;
    const absl::Status removed = files.Unlink(absl::StrCat(state_.directory, "/", name));
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  return absl::OkStatus();
}

void LogOwnership::Leaving() {
  if (!owned()) return;
  SharedWriteLock& lock = state_.shared.write_lock;
  lock.in_transaction.store(0, std::memory_order_relaxed);
  const bool listening = listening_.load(std::memory_order_acquire);
  if (lock.wanted.load(std::memory_order_relaxed) != 0) {
    // With a listener, work in hand goes on for a moment: a change of owner has its price.
    if (!listening || Now() - taken_us_.load(std::memory_order_relaxed) >= kHoldUs) HandOver();
    return;
  }
  if (state_.AloneInLog()) return;
  const bool wrote = state_.commits->appended().frame != taken_at_;
  if (!listening || !wrote) HandOver();
}

void LogOwnership::HandOver() {
  if (!owned()) return;
  SharedWriteLock& lock = state_.shared.write_lock;
  state_.commits->Disown();
  state_.shared.commits.appended.Store(appender_.LetGo());
  handed_us_ = lock.wanted.exchange(0, std::memory_order_seq_cst) != 0 ? Now() : 0;
  handed_taken_ = lock.taken.load(std::memory_order_seq_cst);
  owned_.store(false, std::memory_order_release);
  lock.in_transaction.store(0, std::memory_order_relaxed);
  lock.owner.store(0, std::memory_order_seq_cst);
  state_.attachment->Unlock(kWriteByte).IgnoreError();
  lock.released.fetch_add(1, std::memory_order_seq_cst);
  if (!state_.AloneInLog()) state_.attachment->memory().Wake(lock.released);
}

int64_t LogOwnership::LookAround(int64_t now) {
  const bool left_behind = !owned() && state_.shared.write_lock.owner.load() != 0;
  if (state_.AloneInLog() && !left_behind && !OwesSync() &&
      state_.shared.write_lock.wanted.load() == 0) {
    return kNothingDue;
  }
  if (owned()) {
    if (state_.shared.write_lock.wanted.load(std::memory_order_seq_cst) == 0) return now + kBuryUs;
    const int64_t due = taken_us_.load(std::memory_order_relaxed) + kHoldUs;
    if (now < due) return due;
    // Whoever holds the lock hands over when he gives it back.
    if (state_.write_lock.TryAcquireForBackground()) state_.write_lock.Release();
    return now + kAskAgainUs;
  }
  Watch(now);
  const int64_t since = OwesSync() ? unsynced_since_us_ : now;
  return std::max(now + kAskAgainUs, since + state_.options.unsynced_us);
}

bool LogOwnership::OwesSync() const {
  return !owned() && state_.shared.owes_syncs.load() != 0 && !state_.commits->failed() &&
         state_.commits->synced() < state_.commits->appended().frame;
}

// Commits of a dead process that nobody waits for are synced in time all the same.
void LogOwnership::Watch(int64_t now) {
  const SharedWriteLock& lock = state_.shared.write_lock;
  const uint32_t owner = lock.owner.load(std::memory_order_seq_cst);
  const bool unsynced = OwesSync();
  if (!unsynced) unsynced_since_us_ = 0;
  if (unsynced && unsynced_since_us_ == 0) unsynced_since_us_ = now;
  const bool late = unsynced && now - unsynced_since_us_ >= state_.options.unsynced_us;
  const bool dead =
      owner != 0 && owner != kNobodyYet && !state_.attachment->IsHeldByOthers(kWriteByte);
  if (late && (dead || owner == 0) && state_.write_lock.TryAcquireForBackground()) {
    const auto release = absl::MakeCleanup([this] { state_.write_lock.Release(); });
    unsynced_since_us_ = now;
    state_.commits->SyncNow().IgnoreError();  // a failure stops the log, and says so
  }
  if (!dead && !state_.readers.TakeMetDead() && now - buried_us_ < kBuryUs) return;
  buried_us_ = now;
  state_.attachment->BuryDead([this](uint32_t slot) { state_.readers.ForgetProcess(slot); });
}

void LogOwnership::PublishRecovered(const CommitPoint& end, const CommitPoint& synced,
                                    bool durable) {
  LogPosition position = appender_.End();
  position.commit = end;
  SharedLog& shared = state_.shared;
  shared.commits.appended.Store(position);
  shared.commits.synced.Store(synced);
  shared.commits.visible.Store(end);
  shared.write_lock.owner.store(durable ? 0 : kNobodyYet, std::memory_order_seq_cst);
}

}  // namespace strata::wal
