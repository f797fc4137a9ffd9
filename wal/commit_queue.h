#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "io/mutex.h"
#include "segment/ids.h"
#include "wal/options.h"

namespace strata::wal {

// A state of the database: the last commit at some moment.
struct CommitPoint {
  segment::FrameNo frame;
  uint32_t database_pages = 0;
  int64_t time_us = 0;
};

// Group commit. Writers append under the write lock and announce their commit here; whoever waits
// first leads and syncs for all that were announced by then. A commit becomes visible to readers,
// in order, when it and all before it are as durable as their committers asked: synced <= visible
// <= appended where every waiting commit is FULL, and visible may run ahead of synced over NORMAL
// and OFF ones. When a sync fails for good, visible falls back to the synced commit and nothing
// more can be appended. Safe to call from any thread.
class CommitQueue {
 public:
  // Makes all frames up to its argument durable. Called by one thread at a time, without the
  // queue's lock.
  using SyncFunction = std::function<absl::Status(segment::FrameNo)>;

  CommitQueue(const CommitPoint& recovered, SyncFunction sync);

  // Makes room for one Append, which needs no memory then.
  void Reserve();

  // Announces a commit; called in commit order, by the holder of the write lock. Without effect on
  // a log that has stopped: WaitVisible says so.
  void Append(const CommitPoint& commit, Durability durability);

  // Waits until `frame` is visible, leading a sync when nobody does. The error of a failed sync,
  // for good.
  absl::Status WaitVisible(segment::FrameNo frame);

  // Waits until everything up to `frame` is synced, whatever its durability.
  absl::Status WaitSynced(segment::FrameNo frame);

  // Leads or joins a sync that starts after this call: everything written before it is durable
  // then.
  absl::Status SyncNow();

  CommitPoint visible() const;  // lock-free
  segment::FrameNo visible_frame() const {
    return segment::FrameNo(visible_frame_.load(std::memory_order_acquire));
  }
  segment::FrameNo synced() const {
    return segment::FrameNo(synced_frame_.load(std::memory_order_acquire));
  }
  CommitPoint appended() const;

  // The error that stopped the log, or OK.
  absl::Status failure() const;
  bool failed() const { return failed_.load(std::memory_order_acquire); }

 private:
  struct Pending {
    CommitPoint commit;
    bool needs_sync;
  };

  struct Waiter {
    const std::atomic<uint64_t>& reached;
    uint64_t frame;
    Waiter* next;  // no memory is needed behind a commit
    io::CondVar wake;
  };

  void EnsureRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Wait(const std::atomic<uint64_t>& reached, segment::FrameNo frame);
  void WaitForLeader(const std::atomic<uint64_t>& reached, segment::FrameNo frame)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeWaiters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SyncWithoutThrowing(segment::FrameNo target);
  void StopWith(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishVisible() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetVisible(const CommitPoint& commit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SyncFunction sync_;
  mutable io::Mutex mutex_;
  io::CondVar changed_;                                 // for those who wait for no frame
  Waiter* waiters_ ABSL_GUARDED_BY(mutex_) = nullptr;   // who came first is the last
  std::list<Pending> pending_ ABSL_GUARDED_BY(mutex_);  // appended and not visible yet
  std::list<Pending> room_ ABSL_GUARDED_BY(mutex_);     // for commits to come
  CommitPoint appended_ ABSL_GUARDED_BY(mutex_);
  CommitPoint synced_ ABSL_GUARDED_BY(mutex_);
  bool syncing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);

  // The visible commit under a sequence lock: odd while it changes.
  std::atomic<uint64_t> sequence_{0};
  std::atomic<uint64_t> visible_frame_{0};
  std::atomic<uint32_t> visible_pages_{0};
  std::atomic<int64_t> visible_time_us_{0};
  std::atomic<uint64_t> synced_frame_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace strata::wal
