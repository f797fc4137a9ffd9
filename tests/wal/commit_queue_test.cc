#include "wal/commit_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace strata::wal {
namespace {

using segment::FrameNo;

CommitPoint At(uint64_t frame) {
  return {FrameNo(frame), static_cast<uint32_t>(frame), static_cast<int64_t>(frame)};
}

// A sync that waits until the test lets it go on.
class Gate {
 public:
  absl::Status Sync(FrameNo frame) {
    io::MutexLock lock(&mutex_);
    ++entered_;
    changed_.SignalAll();
    while (allowed_ < entered_) changed_.Wait(&mutex_);
    return result_;
  }
  void WaitEntered(int times) {
    io::MutexLock lock(&mutex_);
    while (entered_ < times) changed_.Wait(&mutex_);
  }
  void Allow(int times, absl::Status result = absl::OkStatus()) {
    io::MutexLock lock(&mutex_);
    allowed_ = times;
    result_ = std::move(result);
    changed_.SignalAll();
  }

 private:
  io::Mutex mutex_;
  io::CondVar changed_;
  int entered_ = 0;
  int allowed_ = 0;
  absl::Status result_;
};

// Syncs that each end when and how the test says.
class HeldSyncs {
 public:
  absl::Status Sync(SyncHandle handle) {
    io::MutexLock lock(&mutex_);
    handles_.push_back(handle);
    results_.emplace_back();
    const size_t self = handles_.size() - 1;
    changed_.SignalAll();
    while (!results_[self].has_value()) changed_.Wait(&mutex_);
    return *results_[self];
  }
  void WaitBegun(size_t count) {
    io::MutexLock lock(&mutex_);
    while (handles_.size() < count) changed_.Wait(&mutex_);
  }
  void End(size_t sync, absl::Status result = absl::OkStatus()) {
    io::MutexLock lock(&mutex_);
    results_[sync] = std::move(result);
    changed_.SignalAll();
  }
  std::vector<SyncHandle> handles() {
    io::MutexLock lock(&mutex_);
    return handles_;
  }

 private:
  io::Mutex mutex_;
  io::CondVar changed_;
  std::vector<SyncHandle> handles_;
  std::vector<std::optional<absl::Status>> results_;
};

// A log with two FULL commits, each with its sync under way.
class TwoSyncsTest : public testing::Test {
 protected:
  TwoSyncsTest() : queue_(At(0), [this](FrameNo, SyncHandle by) { return syncs_.Sync(by); }) {
    for (const uint64_t frame : {1, 2}) {
      queue_.Append(At(frame), Durability::kFull);
      waiters_.emplace_back([this, frame] { seen_[frame] = queue_.WaitVisible(FrameNo(frame)); });
      syncs_.WaitBegun(frame);
    }
  }
  void Join(size_t waiter) { waiters_[waiter].join(); }

  HeldSyncs syncs_;
  CommitQueue queue_;
  std::vector<std::thread> waiters_;
  absl::Status seen_[3];
};

TEST_F(TwoSyncsTest, EachHasAHandleOfItsOwn) {
  EXPECT_EQ(syncs_.handles(), (std::vector{SyncHandle::kFirst, SyncHandle::kSecond}));
  syncs_.End(0);
  Join(0);
  EXPECT_EQ(queue_.visible().frame, FrameNo(1));
  syncs_.End(1);
  Join(1);
  EXPECT_EQ(queue_.visible().frame, FrameNo(2));
}

TEST_F(TwoSyncsTest, TheLaterOneMayEndFirstAndCoversBoth) {
  syncs_.End(1);
  Join(1);
  EXPECT_EQ(queue_.visible().frame, FrameNo(2));
  EXPECT_EQ(queue_.synced(), FrameNo(2));
  syncs_.End(0);
  Join(0);
  EXPECT_TRUE(seen_[1].ok() && seen_[2].ok());
  EXPECT_EQ(queue_.synced(), FrameNo(2)) << "the older sync took the mark back";
}

TEST_F(TwoSyncsTest, WhenOneFailsTheOtherAcknowledgesNothing) {
  syncs_.End(0, absl::InternalError("EIO"));
  Join(0);
  EXPECT_TRUE(absl::IsInternal(seen_[1]));
  syncs_.End(1);
  Join(1);
  EXPECT_TRUE(absl::IsInternal(seen_[2]));
  EXPECT_EQ(queue_.visible().frame, FrameNo(0));
}

TEST_F(TwoSyncsTest, WhenTheLaterOneFailsTheEarlierAcknowledgesNothing) {
  syncs_.End(1, absl::InternalError("EIO"));
  Join(1);
  syncs_.End(0);
  Join(0);
  EXPECT_TRUE(absl::IsInternal(seen_[1]) && absl::IsInternal(seen_[2]));
  EXPECT_EQ(queue_.visible().frame, FrameNo(0));
}

TEST_F(TwoSyncsTest, ALogIsHandedOverOnlyWhenBothHaveEnded) {
  std::atomic<bool> handed_over{false};
  std::thread owner([&] {
    queue_.Disown();
    handed_over = true;
  });
  syncs_.End(1);
  Join(1);
  EXPECT_FALSE(handed_over);
  syncs_.End(0);
  Join(0);
  owner.join();
  EXPECT_FALSE(queue_.owned());
}

TEST(CommitQueueTest, WithoutASecondHandleOneSyncFollowsTheOther) {
  HeldSyncs syncs;
  std::atomic<int> refused{0};
  CommitQueue queue(At(0), [&](FrameNo, SyncHandle by) {
    if (by == SyncHandle::kFirst) return syncs.Sync(by);
    ++refused;
    return absl::CancelledError("");
  });
  std::vector<std::thread> waiters;
  for (uint64_t frame = 1; frame <= 3; ++frame) {
    queue.Append(At(frame), Durability::kFull);
    waiters.emplace_back([&, frame] { EXPECT_TRUE(queue.WaitVisible(FrameNo(frame)).ok()); });
    if (frame == 1) syncs.WaitBegun(1);
  }
  while (refused == 0) std::this_thread::yield();
  EXPECT_EQ(queue.visible().frame, FrameNo(0));
  syncs.End(0);
  syncs.WaitBegun(2);
  syncs.End(1);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(refused, 1);
}

TEST(CommitQueueTest, OneAmongManyWaitsForTheNextSync) {
  HeldSyncs syncs;
  CommitQueue queue(At(0), [&](FrameNo, SyncHandle by) { return syncs.Sync(by); });
  for (uint64_t frame = 1; frame <= 8; ++frame) queue.Append(At(frame), Durability::kFull);
  std::thread many([&] { EXPECT_TRUE(queue.WaitVisible(FrameNo(8)).ok()); });
  syncs.WaitBegun(1);
  queue.Append(At(9), Durability::kFull);
  std::thread one([&] { EXPECT_TRUE(queue.WaitVisible(FrameNo(9)).ok()); });
  syncs.End(0);
  many.join();
  syncs.WaitBegun(2);
  EXPECT_EQ(syncs.handles()[1], SyncHandle::kFirst) << "a second sync for one of nine";
  syncs.End(1);
  one.join();
}

TEST(CommitQueueTest, NormalCommitIsVisibleAtOnce) {
  CommitQueue queue(At(3), [](FrameNo, SyncHandle) { return absl::OkStatus(); });
  queue.Append(At(5), Durability::kNormal);
  EXPECT_EQ(queue.visible().frame, FrameNo(5));
  EXPECT_EQ(queue.synced(), FrameNo(3));
}

TEST(CommitQueueTest, WhatWasWrittenBeforeTheLogWasHandedOverIsNotTakenForSynced) {
  int syncs = 0;
  CommitQueue queue(At(3), [&](FrameNo, SyncHandle) { return ++syncs, absl::OkStatus(); });
  queue.Adopt();
  const uint64_t ownership = queue.ownership();
  EXPECT_TRUE(queue.SyncNow(ownership).ok());
  EXPECT_EQ(syncs, 1);
  queue.Disown();
  EXPECT_TRUE(absl::IsUnavailable(queue.SyncNow(ownership)));
  queue.Adopt();
  EXPECT_TRUE(absl::IsUnavailable(queue.SyncNow(ownership)));
  EXPECT_TRUE(queue.SyncNow(queue.ownership()).ok());
  EXPECT_EQ(syncs, 2);
}

TEST(CommitQueueTest, FullCommitIsVisibleAfterItsSync) {
  CommitQueue queue(At(0), [](FrameNo, SyncHandle) { return absl::OkStatus(); });
  queue.Append(At(2), Durability::kFull);
  EXPECT_EQ(queue.visible().frame, FrameNo(0));
  EXPECT_EQ(queue.appended().frame, FrameNo(2));
  EXPECT_TRUE(queue.WaitVisible(FrameNo(2)).ok());
  EXPECT_EQ(queue.visible().frame, FrameNo(2));
  EXPECT_EQ(queue.synced(), FrameNo(2));
}

TEST(CommitQueueTest, NormalCommitBehindAWaitingFullOneIsNotVisible) {
  CommitQueue queue(At(0), [](FrameNo, SyncHandle) { return absl::OkStatus(); });
  queue.Append(At(1), Durability::kNormal);
  queue.Append(At(2), Durability::kFull);
  queue.Append(At(3), Durability::kNormal);
  EXPECT_EQ(queue.visible().frame, FrameNo(1));
  EXPECT_TRUE(queue.WaitVisible(FrameNo(3)).ok());
  EXPECT_EQ(queue.visible().frame, FrameNo(3));
}

TEST(CommitQueueTest, OneSyncServesAllWhoWaitForIt) {
  Gate gate;
  std::atomic<int> syncs{0};
  CommitQueue queue(At(0), [&](FrameNo frame, SyncHandle) {
    ++syncs;
    return gate.Sync(frame);
  });
  queue.Append(At(1), Durability::kFull);
  std::thread leader([&] { EXPECT_TRUE(queue.WaitVisible(FrameNo(1)).ok()); });
  gate.WaitEntered(1);
  // These come while the first sync runs, which does not cover them: one more covers all.
  std::vector<std::thread> group;
  for (uint64_t frame = 2; frame <= 9; ++frame) queue.Append(At(frame), Durability::kFull);
  for (uint64_t frame = 2; frame <= 9; ++frame) {
    group.emplace_back([&, frame] { EXPECT_TRUE(queue.WaitVisible(FrameNo(frame)).ok()); });
  }
  EXPECT_EQ(queue.visible().frame, FrameNo(0));
  gate.Allow(2);
  leader.join();
  for (std::thread& thread : group) thread.join();
  EXPECT_EQ(syncs, 2);
  EXPECT_EQ(queue.visible().frame, FrameNo(9));
}

TEST(CommitQueueTest, WritersThatDoNotComeBackAreNotWaitedFor) {
  std::atomic<int> syncs{0};
  CommitQueue queue(At(0), [&](FrameNo, SyncHandle) { return ++syncs, absl::OkStatus(); });
  for (uint64_t frame = 1; frame <= 8; ++frame) queue.Append(At(frame), Durability::kFull);
  EXPECT_TRUE(queue.WaitVisible(FrameNo(8)).ok());
  // Eight took part in that one; now one of them is left.
  for (uint64_t frame = 9; frame <= 11; ++frame) {
    queue.Append(At(frame), Durability::kFull);
    EXPECT_TRUE(queue.WaitVisible(FrameNo(frame)).ok());
  }
  EXPECT_EQ(syncs, 4);
}

TEST(CommitQueueTest, WritersShareSyncsAndEachSeesItsCommit) {
  std::atomic<uint64_t> synced{0};
  io::Mutex append;
  uint64_t next = 0;
  CommitQueue queue(At(0), [&](FrameNo frame, SyncHandle) {
    uint64_t before = synced;  // the other one may end first
    while (before < frame.value() && !synced.compare_exchange_weak(before, frame.value())) {
    }
    return absl::OkStatus();
  });
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&] {
      for (int commit = 0; commit < 500; ++commit) {
        append.Lock();
        const uint64_t mine = ++next;
        queue.Append(At(mine), Durability::kFull);
        append.Unlock();
        EXPECT_TRUE(queue.WaitVisible(FrameNo(mine)).ok());
        EXPECT_GE(synced.load(), mine);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(queue.visible().frame, FrameNo(4000));
}

TEST(CommitQueueTest, CommitAppendedDuringASyncIsNotCoveredByIt) {
  Gate gate;
  CommitQueue queue(At(0), [&](FrameNo frame, SyncHandle) { return gate.Sync(frame); });
  queue.Append(At(1), Durability::kFull);
  std::thread leader([&] { EXPECT_TRUE(queue.WaitVisible(FrameNo(1)).ok()); });
  gate.WaitEntered(1);
  queue.Append(At(2), Durability::kFull);
  gate.Allow(1);
  leader.join();
  EXPECT_EQ(queue.synced(), FrameNo(1));
  EXPECT_EQ(queue.visible().frame, FrameNo(1));
  gate.Allow(2);
  EXPECT_TRUE(queue.SyncNow().ok());
  EXPECT_EQ(queue.visible().frame, FrameNo(2));
}

TEST(CommitQueueTest, FailureGivesUpWhatIsNotVisible) {
  bool fail = false;
  int calls = 0;
  CommitQueue queue(At(0), [&](FrameNo, SyncHandle) {
    ++calls;
    return fail ? absl::InternalError("EIO") : absl::OkStatus();
  });
  queue.Append(At(1), Durability::kFull);
  ASSERT_TRUE(queue.WaitVisible(FrameNo(1)).ok());
  queue.Append(At(2), Durability::kNormal);
  queue.Append(At(3), Durability::kFull);
  EXPECT_EQ(queue.visible().frame, FrameNo(2));
  fail = true;
  EXPECT_TRUE(absl::IsInternal(queue.WaitVisible(FrameNo(3))));
  EXPECT_EQ(queue.visible().frame, FrameNo(2));
  EXPECT_EQ(queue.visible().database_pages, 2u);
  EXPECT_TRUE(queue.failed());
  fail = false;
  EXPECT_TRUE(queue.WaitVisible(FrameNo(2)).ok());
  EXPECT_TRUE(absl::IsInternal(queue.WaitSynced(FrameNo(2))));
  EXPECT_TRUE(absl::IsInternal(queue.SyncNow()));
  EXPECT_EQ(calls, 2) << "a failed sync was tried again";
  queue.PrepareToRevive();
  queue.Revive({At(4)});
  EXPECT_FALSE(queue.failed());
  EXPECT_TRUE(absl::IsInternal(queue.WaitVisible(FrameNo(3)))) << "it was given up";
  EXPECT_TRUE(queue.WaitSynced(FrameNo(2)).ok());
  EXPECT_TRUE(queue.WaitSynced(FrameNo(4)).ok());
  queue.Append(At(5), Durability::kFull);
  EXPECT_TRUE(queue.WaitVisible(FrameNo(5)).ok());
  EXPECT_EQ(calls, 3);
}

TEST(CommitQueueTest, EveryWaiterGetsTheError) {
  Gate gate;
  CommitQueue queue(At(0), [&](FrameNo frame, SyncHandle) { return gate.Sync(frame); });
  for (uint64_t frame = 1; frame <= 4; ++frame) queue.Append(At(frame), Durability::kFull);
  std::vector<std::thread> waiters;
  for (uint64_t frame = 1; frame <= 4; ++frame) {
    waiters.emplace_back(
        [&, frame] { EXPECT_TRUE(absl::IsInternal(queue.WaitVisible(FrameNo(frame)))); });
  }
  gate.WaitEntered(1);
  gate.Allow(1, absl::InternalError("EIO"));
  for (std::thread& waiter : waiters) waiter.join();
}

// Of two processes, each with a queue of its own; the second revives what stopped in the first.
TEST(CommitQueueTest, StopsASecondTimeAfterAnotherProcessRevivedTheLog) {
  SharedCommits shared{};
  const auto fail = [](FrameNo, SyncHandle) { return absl::InternalError("EIO"); };
  CommitQueue first(&shared, fail, &io::SystemClock());
  CommitQueue second(&shared, fail, &io::SystemClock());
  uint64_t frame = 0;
  for (int times = 0; times < 3; ++times) {
    first.Adopt();
    first.Append(At(++frame), Durability::kFull);
    EXPECT_TRUE(absl::IsInternal(first.WaitVisible(FrameNo(frame))));
    EXPECT_TRUE(first.failed());
    first.Disown();
    second.Adopt();
    second.PrepareToRevive();
    second.Revive({At(++frame)});
    second.Disown();
  }
  for (uint64_t given_up : {1, 3, 5})
    EXPECT_TRUE(absl::IsInternal(first.WaitVisible(FrameNo(given_up)))) << given_up;
  EXPECT_TRUE(first.WaitVisible(FrameNo(6)).ok());
}

// A commit that is written with its sync is its own process's affair until then.
TEST(CommitQueueTest, OthersAreToldOfWhatIsWritten) {
  SharedCommits shared{};
  CommitQueue owner(
      &shared, [](FrameNo, SyncHandle) { return absl::OkStatus(); }, &io::SystemClock());
  owner.Adopt();
  owner.Append({At(1), 1, 100}, Durability::kNormal);
  owner.Append({At(2), 1, 200}, Durability::kFull, Placing::kWithSync);
  EXPECT_EQ(owner.position().end_offset, 200u);
  EXPECT_EQ(shared.appended.Load().end_offset, 100u);
  owner.NoteWritten({At(2), 1, 200});
  EXPECT_EQ(shared.appended.Load().end_offset, 200u);
  owner.NoteWritten({At(1), 1, 100});  // of a sync that began earlier
  EXPECT_EQ(shared.appended.Load().end_offset, 200u);
  EXPECT_TRUE(owner.WaitVisible(FrameNo(2)).ok());
}

TEST(CommitQueueTest, VisibleIsNeverHalfOfTwoCommits) {
  CommitQueue queue(At(0), [](FrameNo, SyncHandle) { return absl::OkStatus(); });
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const CommitPoint seen = queue.visible();
      ASSERT_EQ(seen.frame.value(), seen.database_pages);
      ASSERT_EQ(static_cast<int64_t>(seen.frame.value()), seen.time_us);
    }
  });
  for (uint64_t frame = 1; frame <= 50'000; ++frame) queue.Append(At(frame), Durability::kNormal);
  done = true;
  reader.join();
}

}  // namespace
}  // namespace strata::wal
