#pragma once

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
#include "wal/options.h"
#include "wal/shared_log.h"

namespace strata::wal {

// Group commit. Writers append under the write lock and announce their commit here; whoever waits
// first leads: it lets those go ahead who took part in the last sync, for a moment, and syncs for
// all that were announced by then. A commit becomes visible to readers,
// in order, when it and all before it are as durable as their committers asked: synced <= visible
// <= appended where every waiting commit is FULL, and visible may run ahead of synced over NORMAL
// and OFF ones. When a sync fails for good, visible falls back to the synced commit and nothing
// more can be appended. Safe to call from any thread.
class CommitQueue {
 public:
  // Makes all frames up to its argument durable. Called by one thread at a time, without the
  // queue's lock.
  using SyncFunction = std::function<absl::Status(segment::FrameNo)>;

  // Of a log that is this process's alone.
  CommitQueue(const CommitPoint& recovered, SyncFunction sync,
              io::Clock* clock = &io::SystemClock());
  // Of a log whose commits are told of in `shared`, which is up to date and outlives this. Another
  // process owns it until Adopt().
  CommitQueue(SharedCommits* shared, SyncFunction sync, io::Clock* clock);

  // Makes room for one Append, which needs no memory then.
  void Reserve();

  // Announces a commit that ends at `position`; called in commit order, by the holder of the write
  // lock. Without effect on a log that has stopped: WaitVisible says so.
  void Append(const LogPosition& position, Durability durability);
  void Append(const CommitPoint& commit, Durability durability) {
    Append(LogPosition{commit}, durability);
  }

  // Takes the log over as the shared memory tells of it: from here on this process appends, syncs
  // and publishes. The caller holds the write lock.
  void Adopt();
  // The opposite: makes durable what somebody waits for, waits for syncs under way, and syncs
  // nothing any more.
  void Disown();
  bool owned() const;
  // Number of the present or last Adopt().
  uint64_t ownership() const;

  // Waits until `frame` is visible, leading a sync when nobody does. The error of a failed sync,
  // for good. Unavailable from this and the next two: another process owns the log.
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
  CommitPoint appended() const { return shared_.appended.Load().commit; }
  LogPosition position() const { return shared_.appended.Load(); }

  // The error that stopped the log, in this process or another one, or OK.
  absl::Status failure() const;
  bool failed() const { return shared_.failed.load(std::memory_order_acquire) != 0; }

 private:
  struct Pending {
    CommitPoint commit;
    bool needs_sync;
  };

  void EnsureRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Wait(const PublishedCommit& reached, segment::FrameNo frame);
  void WakeWaiters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GatherOthers(size_t writers, int64_t gather_us) const;
  absl::Status SyncWithoutThrowing(segment::FrameNo target);
  void StopWith(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishVisible() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SyncFunction sync_;
  io::Clock* const clock_;
  const std::unique_ptr<SharedCommits> own_;
  SharedCommits& shared_;  // written under mutex_ while owned_
  mutable io::Mutex mutex_;
  io::CondVar changed_;                                 // for those who wait for no frame
  std::atomic<uint32_t> syncs_{0};                      // that ended
  std::atomic<size_t> unsynced_{0};                     // commits of pending_ that need a sync
  size_t writers_ ABSL_GUARDED_BY(mutex_) = 1;          // how many took part in the last one
  int64_t last_sync_us_ ABSL_GUARDED_BY(mutex_) = 0;    // how long it took
  std::list<Pending> pending_ ABSL_GUARDED_BY(mutex_);  // appended and not visible yet
  std::list<Pending> room_ ABSL_GUARDED_BY(mutex_);     // for commits to come
  bool owned_ ABSL_GUARDED_BY(mutex_) = true;
  uint64_t ownership_ ABSL_GUARDED_BY(mutex_) = 0;
  bool syncing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
