#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "io/clock.h"
#include "io/mutex.h"
#include "segment/ids.h"
#include "wal/current_segment.h"
#include "wal/gathering.h"
#include "wal/options.h"
#include "wal/shared_log.h"

namespace strata::wal {

// Group commit. Writers append under the write lock and announce their commit here; one of those
// who wait leads, and syncs for all that were announced by then. Two syncs may be under way: the
// second starts when about half of the writers of late wait for one, so that the disk never waits
// for the writers, nor they for more than the sync that is theirs. A commit becomes visible to
// readers, in order, when it and all before it are as durable as their committers asked: synced <=
// visible <= appended where every waiting commit is FULL, and visible may run ahead of synced over
// NORMAL and OFF ones. When a sync fails for good, the commits that are not visible are given up,
// their committers get its error, and the log stops: nothing is appended until Revive(). Safe to
// call from any thread.
class CommitQueue {
 public:
  // Makes all frames up to its argument durable. Called without the queue's lock, by one thread at
  // a time for each handle. Cancelled, for the second one: nothing was tried, there is none just
  // now.
  using SyncFunction = std::function<absl::Status(segment::FrameNo, SyncHandle)>;

  // Of a log that is this process's alone. `clock`, which outlives this, says how long syncs take.
  CommitQueue(const CommitPoint& recovered, SyncFunction sync,
              io::Clock* clock = &io::SystemClock());
  // Of a log whose commits are told of in `shared`, which is up to date and outlives this. Another
  // process owns it until Adopt().
  CommitQueue(SharedCommits* shared, SyncFunction sync, io::Clock* clock);

  // Makes room for one Append, which needs no memory then.
  void Reserve();

  // Announces a commit that ends at `position`; called in commit order, by the holder of the write
  // lock. Without effect on a log that has stopped: WaitVisible says so. Where it is written with
  // its sync, no other process may look for it before NoteWritten().
  void Append(const LogPosition& position, Durability durability, Placing placing = Placing::kNow);
  void Append(const CommitPoint& commit, Durability durability) {
    Append(LogPosition{commit}, durability);
  }
  // Everything up to `position` is in the log's files.
  void NoteWritten(const LogPosition& position);
  // The log goes on in another file, which has all of it.
  void NoteMoved(uint64_t sequence);

  // Takes the log over as the shared memory tells of it: from here on this process appends, syncs
  // and publishes. The caller holds the write lock. Out of memory, nothing has changed.
  void Adopt();
  // The opposite: makes durable what somebody waits for, waits for syncs under way, and syncs
  // nothing any more.
  void Disown();
  bool owned() const;
  // Number of the present or last Adopt().
  uint64_t ownership() const;

  // Waits until `frame` is visible, leading a sync when nobody does. The error of a failed sync, of
  // a commit that was given up for good. Unavailable from this and the next two: another process
  // owns the log.
  absl::Status WaitVisible(segment::FrameNo frame);

  // Waits until everything up to `frame` is synced, whatever its durability.
  absl::Status WaitSynced(segment::FrameNo frame);

  // Leads or joins a sync that starts after this call: everything written before it is durable
  // then.
  absl::Status SyncNow();
  // The same for what was written since the Adopt() of number `ownership`. Unavailable: the log
  // was handed over since, and nobody may have synced it.
  absl::Status SyncNow(uint64_t ownership);

  // Lock-free.
  CommitPoint visible() const { return shared_.visible.Load(); }
  segment::FrameNo visible_frame() const { return shared_.visible.frame(); }
  segment::FrameNo synced() const { return shared_.synced.frame(); }
  // The last commit and where it ends: of the owner, all that was announced; of others, what was
  // written.
  LogPosition position() const {
    return owned_.load(std::memory_order_acquire) ? announced_.Load() : shared_.appended.Load();
  }
  CommitPoint appended() const { return position().commit; }

  // After a log has stopped: returns when no sync of it is under way any more, with what Revive()
  // needs of memory.
  void PrepareToRevive();
  // It goes on behind `end`, up to which everything is durable and nothing was given up. The caller
  // holds the write lock, and owns the log.
  void Revive(const LogPosition& end);

  // The error that stopped the log, in this process or another one, or OK.
  absl::Status failure() const;
  bool failed() const { return shared_.failed.load(std::memory_order_acquire) != 0; }

 private:
  struct Pending {
    CommitPoint commit;
    bool needs_sync;
  };
  // A sync under way.
  struct Sync {
    uint64_t number = 0;  // 0: none
    segment::FrameNo target;
  };
  // Commits that were given up: those behind `after`.
  struct GivenUp {
    segment::FrameNo after;
    segment::FrameNo last;
    absl::Status why;
  };
  static constexpr size_t kHandles = 2;
  static constexpr size_t kWords = 4;  // more than syncs that somebody may wait for at once

  void SetPosition(const LogPosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnsureRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Wait(const PublishedCommit& reached, segment::FrameNo frame);
  bool YieldFor(const Gathering::Pause& pause) const;
  uint64_t SyncThatCovers(segment::FrameNo frame) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayLead() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t under_way() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitForHandle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Finish(const Sync& sync, const CommitPoint& target, absl::Status status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeWaiters(uint64_t sync) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SyncWithoutThrowing(segment::FrameNo target, SyncHandle handle);
  absl::Status StoppedBy() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WhyGivenUp(segment::FrameNo frame) const;
  void StopWith(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishVisible() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SyncFunction sync_;
  io::Clock* const clock_;
  const std::unique_ptr<SharedCommits> own_;
  SharedCommits& shared_;  // written under mutex_ while owned_
  mutable io::Mutex mutex_;
  io::CondVar changed_;  // for those who wait for no frame
  // Changes when the sync ends whose number is the index modulo kWords.
  std::array<std::atomic<uint32_t>, kWords> ended_{};
  std::array<Sync, kHandles> syncs_ ABSL_GUARDED_BY(mutex_);  // by handle
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;                // number of the last sync
  uint64_t second_from_ ABSL_GUARDED_BY(mutex_) = 0;          // no second handle before this sync
  // FULL commits that no sync under way covers, and those that the last two covered.
  std::atomic<size_t> uncovered_{0};  // changed with the mutex
  std::array<size_t, 2> covered_ ABSL_GUARDED_BY(mutex_) = {};
  Gathering gathering_ ABSL_GUARDED_BY(mutex_);
  std::list<Pending> pending_ ABSL_GUARDED_BY(mutex_);  // appended and not visible yet
  std::list<Pending> room_ ABSL_GUARDED_BY(mutex_);     // for commits to come
  std::atomic<bool> owned_{true};                       // changed with the mutex
  PublishedPosition announced_;                         // by the owner, under mutex_
  uint64_t ownership_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::list<GivenUp> given_up_ ABSL_GUARDED_BY(mutex_);
  std::list<GivenUp> room_to_give_up_ ABSL_GUARDED_BY(mutex_);  // for the next
  std::atomic<bool> any_given_up_{false};
};

}  // namespace strata::wal
