#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "tests/crash/sync_sites.h"
#include "tests/wal/power_loss.h"

// Commits that are written with their sync, between their end and that write.
namespace strata::crash {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using wal::Connection;
using wal::Durability;
using wal::ExpectAfterPowerLoss;
using wal::LogWorld;
using wal::Versions;

class Unwritten : public testing::Test {
 protected:
  Unwritten() { world_.files = &sites_; }

  // Until commits go where the log file was written before.
  void SetUp() override {
    world_.options.segment_bytes = 4096 + 40 * 576;
    ASSERT_TRUE(world_.Open().ok());
    for (int i = 0; i < 100 && !IsInPlace(); ++i) {
      ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
      world_.Pass(1'000);
    }
    ASSERT_TRUE(IsInPlace());
    second_ = std::make_unique<Connection>(world_.log);
    third_ = std::make_unique<Connection>(world_.log);
  }
  void TearDown() override {
    second_.reset();
    third_.reset();
  }

  bool IsInPlace() const {
    const wal::CurrentSegment* current = world_.log->state().current.get();
    return current != nullptr && current->end_offset() + 10'000 < current->written_before();
  }
  uint64_t unwritten_bytes() const { return world_.log->state().current->unwritten_bytes(); }

  // Version 6 of page 1, and while that is synced of page 2; while both are, version 7 of page 1
  // waits for a third sync, and `meanwhile` happens. Returns what the third commit heard.
  absl::Status CommitThree(const std::function<void()>& meanwhile) {
    absl::Status last;
    std::thread waiting;
    sites_.FailSyncAfter(0, [&] {
      sites_.FailSyncAfter(0, [&] {
        const segment::FrameNo before = world_.log->state().commits->appended().frame;
        waiting = std::thread([&] { last = wal::CommitPages(*third_, {{1, 7}}, 2); });
        while (world_.log->state().commits->appended().frame == before) std::this_thread::yield();
        meanwhile();
      });
      second_result_ = wal::CommitPages(*second_, {{2, 6}}, 2);
    });
    first_result_ = world_.CommitPages({{1, 6}}, 2);
    waiting.join();
    return last;
  }

  Versions ReadAsWriter() {
    Connection writer(world_.log);
    EXPECT_EQ(writer.LockForWrite(1'000'000, nullptr), wal::WriteLock::Outcome::kAcquired);
    const Versions versions =
        wal::ReadVersions(writer, world_.disk->Files()[LogWorld::kDatabase]).value();
    writer.UnlockForWrite();
    return versions;
  }

  LogWorld world_;
  SyncSites sites_{world_.disk.get()};
  std::unique_ptr<Connection> second_;
  std::unique_ptr<Connection> third_;
  absl::Status first_result_;
  absl::Status second_result_;
};

TEST_F(Unwritten, TheNextWriterReadsThemFromMemoryAndNobodyElseDoes) {
  const absl::Status third = CommitThree([&] {
    EXPECT_GT(unwritten_bytes(), 0u);
    EXPECT_THAT(ReadAsWriter(), ElementsAre(7, 6));
    EXPECT_THAT(*world_.Read(), ElementsAre(5, 5));
    ExpectAfterPowerLoss(world_, AnyOf(ElementsAre(5, 5), ElementsAre(6, 5), ElementsAre(6, 6)));
  });
  EXPECT_TRUE(third.ok()) << third;
  EXPECT_EQ(unwritten_bytes(), 0u);
  EXPECT_THAT(*world_.Read(), ElementsAre(7, 6));
  ExpectAfterPowerLoss(world_, ElementsAre(7, 6));
}

TEST_F(Unwritten, ACommitThatWaitsForNothingWritesThoseBeforeIt) {
  Connection fourth(world_.log);
  std::thread committing;
  absl::Status normal;
  const absl::Status third = CommitThree([&] {
    EXPECT_GT(unwritten_bytes(), 0u);
    const segment::FrameNo third_frame = world_.log->state().commits->appended().frame;
    committing = std::thread([&] {
      normal = wal::CommitPages(fourth, {{2, 8}}, 2, Durability::kNormal);
    });
    while (world_.log->state().commits->appended().frame == third_frame) std::this_thread::yield();
    io::MutexLock lock(&world_.log->state().append_mutex);
    EXPECT_EQ(unwritten_bytes(), 0u);
  });
  committing.join();
  EXPECT_TRUE(third.ok()) << third;
  EXPECT_TRUE(normal.ok()) << normal;
  EXPECT_THAT(*world_.Read(), ElementsAre(7, 8));
}

TEST_F(Unwritten, AWriteThatFailsIsASyncThatFails) {
  world_.disk->FailOperation({.calls = support::kWriteCall});
  EXPECT_TRUE(world_.CommitPages({{1, 6}}, 2).ok());
  EXPECT_EQ(world_.disk->faults_fired(), 1u);
  EXPECT_THAT(*world_.Read(), ElementsAre(6, 5));
  ExpectAfterPowerLoss(world_, ElementsAre(6, 5));
}

TEST_F(Unwritten, ThoseOfALogThatStopsAreGivenUp) {
  const absl::Status third = CommitThree(
      [&] { world_.disk->FailOperation({.calls = support::kSyncCall, .for_ever = true}); });
  EXPECT_FALSE(third.ok());
  world_.disk->ClearFaults();
  EXPECT_TRUE(world_.CommitPages({{2, 9}}, 2).ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 9));
  ExpectAfterPowerLoss(world_, ElementsAre(5, 9));
}

// As for a process that is killed: what nobody was told of may be gone.
TEST_F(Unwritten, AreGoneWithTheirProcess) {
  std::unique_ptr<support::SimulatedDisk> left;
  const absl::Status third = CommitThree([&] {
    left = support::CrashImage(*world_.disk, world_.disk->operation_count(),
                               {.policy = support::CrashPolicy::kKeepAll});
  });
  EXPECT_TRUE(third.ok()) << third;
  LogWorld after(std::move(left));
  ASSERT_TRUE(after.Open().ok());
  EXPECT_THAT(*after.Read(), ElementsAre(6, 6));
}

}  // namespace
}  // namespace strata::crash
