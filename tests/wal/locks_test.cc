#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"
#include "wal/reader_registry.h"
#include "wal/write_lock.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using Outcome = WriteLock::Outcome;

TEST(WriteLockTest, AHeldLockTimesOutAtOnceWithoutATimeout) {
  WriteLock lock(&io::SystemClock(), 500);
  EXPECT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  EXPECT_EQ(lock.Acquire(0, nullptr), Outcome::kTimedOut);
  lock.Release();
  EXPECT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
}

TEST(WriteLockTest, WaitsAtLeastTheTimeout) {
  WriteLock lock(&io::SystemClock(), 500);
  ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  const int64_t before = io::SystemClock().MonotonicMicros();
  EXPECT_EQ(lock.Acquire(20'000, nullptr), Outcome::kTimedOut);
  EXPECT_GE(io::SystemClock().MonotonicMicros() - before, 20'000);
}

TEST(WriteLockTest, InterruptEndsTheWait) {
  WriteLock lock(&io::SystemClock(), 500);
  ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  int asked = 0;
  EXPECT_EQ(lock.Acquire(INT64_MAX / 2, [&] { return ++asked == 3; }), Outcome::kInterrupted);
  lock.Release();
  EXPECT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired)
      << "the interrupted one is still in the queue";
}

// A waiter announces itself by asking whether it is interrupted; by then it is in the queue.
class Waiter {
 public:
  explicit Waiter(WriteLock* lock)
      : thread_([this, lock] {
          EXPECT_EQ(lock->Acquire(INT64_MAX / 2, [this] { return queued_ = true, false; }),
                    Outcome::kAcquired);
          acquired_ = true;
          lock->Release();
        }) {
    while (!queued_) std::this_thread::yield();
  }
  ~Waiter() { thread_.join(); }
  bool acquired() const { return acquired_; }

 private:
  std::atomic<bool> queued_{false};
  std::atomic<bool> acquired_{false};
  std::thread thread_;
};

TEST(WriteLockTest, OneWhoIsNotWokenFindsTheFreeLockByHimself) {
  support::FakeClock clock;  // nobody ever waits long
  WriteLock lock(&clock, 500);
  ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  Waiter waiter(&lock);
  lock.Release(WriteLock::Next::kGoesOn);
  EXPECT_NE(lock.Acquire(INT64_MAX / 2, nullptr), Outcome::kTimedOut);
  lock.Release(WriteLock::Next::kGoesOn);
}

TEST(WriteLockTest, OneWhoWaitedLongIsHandedTheLock) {
  support::FakeClock clock;
  WriteLock lock(&clock, 500);
  ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  {
    Waiter waiter(&lock);
    clock.Advance(501);
    lock.Release();
    while (lock.Acquire(0, nullptr) != Outcome::kAcquired) std::this_thread::yield();
    EXPECT_TRUE(waiter.acquired()) << "barged past one who waited too long";
    lock.Release();
  }
}

TEST(WriteLockTest, EveryWaiterComesToTheLock) {
  support::FakeClock clock;
  WriteLock lock(&clock, 500);
  ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  Waiter first(&lock);
  Waiter second(&lock);
  lock.Release();  // nobody waited long: the first is woken, and passes it on
}

// Also not in the moment when the lock changes hands.
TEST(WriteLockTest, NobodyHearsThatTheBackgroundHoldsIt) {
  for (int round = 0; round < 300; ++round) {
    WriteLock lock(&io::SystemClock(), 0);
    ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
    std::thread background([&] {
      EXPECT_TRUE(lock.AcquireForBackground(60'000'000));
      std::this_thread::yield();
      lock.Release();
    });
    lock.Release();
    EXPECT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
    lock.Release();
    background.join();
  }
}

TEST(WriteLockTest, BackgroundGivesUpWhenItsTimeIsOver) {
  WriteLock lock(&io::SystemClock(), 500);
  ASSERT_EQ(lock.Acquire(0, nullptr), Outcome::kAcquired);
  EXPECT_FALSE(lock.AcquireForBackground(0));
  EXPECT_FALSE(lock.AcquireForBackground(10'000));
  lock.Release();
  EXPECT_TRUE(lock.AcquireForBackground(0));
}

TEST(WriteLockTest, OnlyOneHoldsIt) {
  WriteLock lock(&io::SystemClock(), 50);
  int64_t counter = 0;  // unprotected but by the lock
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2'000; ++n) {
        if (lock.Acquire(60'000'000, nullptr) != Outcome::kAcquired) continue;
        ++counter;
        lock.Release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 8'000);
}

TEST(ReaderRegistryTest, ACheckpointStopsAtTheOldestSnapshot) {
  ReaderRegistry readers;
  ReaderRegistry::Slot* const a = readers.Register().value();
  ReaderRegistry::Slot* const b = readers.Register().value();
  ASSERT_TRUE(readers.Begin(a, FrameNo(5)));
  ASSERT_TRUE(readers.Begin(b, FrameNo(9)));
  EXPECT_EQ(readers.LimitCheckpoint(FrameNo(12)), FrameNo(5));
  EXPECT_EQ(readers.OldestSnapshot(FrameNo(12), a), FrameNo(9));
  readers.End(a);
  EXPECT_EQ(readers.LimitCheckpoint(FrameNo(12)), FrameNo(9));
  readers.End(b);
  EXPECT_EQ(readers.LimitCheckpoint(FrameNo(12)), FrameNo(12));
}

TEST(ReaderRegistryTest, AReaderBehindTheCheckpointIsTurnedAway) {
  ReaderRegistry readers;
  ReaderRegistry::Slot* const slot = readers.Register().value();
  ASSERT_EQ(readers.LimitCheckpoint(FrameNo(10)), FrameNo(10));
  EXPECT_FALSE(readers.Begin(slot, FrameNo(9)));
  EXPECT_FALSE(ReaderRegistry::IsActive(*slot));
  EXPECT_TRUE(readers.Begin(slot, FrameNo(10)));
  EXPECT_EQ(readers.LimitCheckpoint(FrameNo(8)), FrameNo(10)) << "a limit went back";
}

TEST(ReaderRegistryTest, NoReaderEverHoldsASnapshotThatACheckpointPassed) {
  ReaderRegistry readers;
  std::atomic<uint64_t> visible{1};
  std::atomic<uint64_t> copied{0};  // the database file holds this
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      ReaderRegistry::Slot* const slot = readers.Register().value();
      while (!done) {
        const uint64_t snapshot = visible.load();
        if (!readers.Begin(slot, FrameNo(snapshot))) continue;
        ASSERT_LE(copied.load(), snapshot);
        std::this_thread::yield();
        ASSERT_LE(copied.load(), snapshot);
        readers.End(slot);
      }
      readers.Unregister(slot);
    });
  }
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t tip = visible.fetch_add(1) + 1;
    copied = readers.LimitCheckpoint(FrameNo(tip)).value();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(ReaderRegistryTest, RetiredMemoryLivesAsLongAsItsReaders) {
  ReaderRegistry readers;
  ReaderRegistry::Slot* const slot = readers.Register().value();
  ASSERT_TRUE(readers.Begin(slot, FrameNo(1)));
  std::weak_ptr<int> watched;
  {
    auto garbage = std::make_shared<int>(1);
    watched = garbage;
    readers.Retire({{0, garbage}});
  }
  readers.CollectGarbage();
  EXPECT_FALSE(watched.expired());
  readers.End(slot);
  ASSERT_TRUE(readers.Begin(slot, FrameNo(1)));  // began afterwards: cannot know of it
  readers.CollectGarbage();
  EXPECT_TRUE(watched.expired());
}

TEST(ReaderRegistryTest, GenerationsTellWhoStartedBefore) {
  ReaderRegistry readers;
  ReaderRegistry::Slot* const slot = readers.Register().value();
  ASSERT_TRUE(readers.Begin(slot, FrameNo(1)));
  const uint64_t generation = readers.NextGeneration();
  EXPECT_TRUE(readers.AnyStartedBy(generation));
  readers.End(slot);
  EXPECT_FALSE(readers.AnyStartedBy(generation));
  ASSERT_TRUE(readers.Begin(slot, FrameNo(1)));
  EXPECT_FALSE(readers.AnyStartedBy(generation));
}

}  // namespace
}  // namespace strata::wal
