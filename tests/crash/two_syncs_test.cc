#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/crash/sync_sites.h"
#include "tests/wal/power_loss.h"

// Two syncs of one log at once: the second begins and ends while the first is under way.
namespace strata::crash {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using wal::Durability;
using wal::ExpectAfterPowerLoss;
using wal::LogWorld;

class TwoSyncs : public testing::Test {
 protected:
  TwoSyncs() { world_.files = &sites_; }
  void SetUp() override {
    ASSERT_TRUE(world_.Open().ok());
    ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
    other_ = std::make_unique<wal::Connection>(world_.log);
  }
  void TearDown() override { other_.reset(); }

  void FailNextSync(bool for_ever = false) {
    world_.disk->FailOperation({.calls = support::kSyncCall, .for_ever = for_ever});
  }

  // Version 6 of page 1, and while that is synced version 6 of page 2; `before` and `after` the
  // second one's sync.
  void CommitBoth(const std::function<void()>& before, const std::function<void()>& after) {
    sites_.FailSyncAfter(0, [&] {
      before();
      later_ = wal::CommitPages(*other_, {{2, 6}}, 2);
      visible_within_ = world_.log->state().commits->visible_frame();
      after();
    });
    earlier_ = world_.CommitPages({{1, 6}}, 2);
  }

  void ExpectBothAndMore() {
    EXPECT_TRUE(earlier_.ok()) << earlier_;
    EXPECT_TRUE(later_.ok()) << later_;
    ExpectAfterPowerLoss(world_, ElementsAre(6, 6));
    ASSERT_TRUE(world_.CommitPages({{1, 7}}, 2).ok());
    EXPECT_THAT(*world_.Read(), ElementsAre(7, 6));
    ExpectAfterPowerLoss(world_, ElementsAre(7, 6));
  }

  LogWorld world_;
  SyncSites sites_{world_.disk.get()};
  std::unique_ptr<wal::Connection> other_;
  absl::Status earlier_;
  absl::Status later_;
  segment::FrameNo visible_within_;
};

void Nothing() {}

TEST_F(TwoSyncs, TheLaterOneAcknowledgesBoth) {
  CommitBoth(Nothing, [&] { ExpectAfterPowerLoss(world_, ElementsAre(6, 6)); });
  EXPECT_EQ(visible_within_, segment::FrameNo(4)) << "the second one waited for the first";
  ExpectBothAndMore();
}

TEST_F(TwoSyncs, WhatTheLaterOneMovedAwayIsNotTheEarlierOnesAnyMore) {
  CommitBoth([&] { FailNextSync(); }, [&] { ExpectAfterPowerLoss(world_, ElementsAre(6, 6)); });
  EXPECT_EQ(world_.disk->faults_fired(), 1u);
  EXPECT_EQ(world_.LogFileNames().size(), 2u);
  ExpectBothAndMore();
}

TEST_F(TwoSyncs, TheEarlierOneMayFailAfterTheLaterOneSucceeded) {
  CommitBoth(Nothing, [&] { FailNextSync(); });
  EXPECT_EQ(world_.disk->faults_fired(), 1u);
  ExpectBothAndMore();
}

TEST_F(TwoSyncs, BothMayFailAndTheLogGoesOnInANewFile) {
  CommitBoth([&] { FailNextSync(); }, [&] { FailNextSync(); });
  EXPECT_EQ(world_.disk->faults_fired(), 2u);
  ExpectBothAndMore();
}

TEST_F(TwoSyncs, WhenTheLogStopsNeitherIsAcknowledged) {
  CommitBoth([&] { FailNextSync(true); }, [&] { world_.disk->ClearFaults(); });
  EXPECT_FALSE(later_.ok());
  EXPECT_FALSE(earlier_.ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 5));
  ExpectAfterPowerLoss(world_, AnyOf(ElementsAre(5, 5), ElementsAre(6, 5), ElementsAre(6, 6)));
  EXPECT_TRUE(world_.CommitPages({{1, 7}}, 2).ok());  // the disk is well again
  ExpectAfterPowerLoss(world_, ElementsAre(7, 5));
}

}  // namespace
}  // namespace strata::crash
