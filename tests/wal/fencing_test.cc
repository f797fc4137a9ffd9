#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "segment/store_layout.h"
#include "segment/store_listing.h"
#include "tests/support/crash_image.h"
#include "tests/wal/copies_fixture.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::StoredSegment;
using testing::ElementsAre;
using testing::HasSubstr;

// Fencing: two copies of a database, one store.

class FencingTest : public CopiesTest {
 protected:
  // world_ ships frame 1.
  void ShipFirst() {
    ASSERT_TRUE(world_.Open().ok());
    ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
    world_.Pass(kLong);
  }

  // `other`, a copy that is told to take over, commits its own frame 2 and has not shipped it.
  void BeginTakeover(LogWorld* other) {
    CopyTo(other);
    MoveStore(world_, *other);
    other->options.takeover = true;
    ASSERT_TRUE(other->Open().ok());
    ASSERT_TRUE(other->CommitPages({{1, 6}}, 1).ok());
  }

  // What `ship` does with the nth call from now failing; whether there was such a call.
  static bool WithFailingCall(LogWorld& world, uint64_t nth, const std::function<void()>& ship) {
    world.disk->FailOperation({.nth = nth});
    ship();
    const bool fired = world.disk->faults_fired() != 0;
    world.disk->ClearFaults();
    return fired;
  }

  void TakeOverWithFailingCall(LogWorld* other, uint64_t nth, bool* fired) {
    BeginTakeover(other);
    other->Pass(other->options.quiet_us + 1);
    *fired = WithFailingCall(*other, nth, [&] { other->Pass(other->options.seal_after_us); });
  }
};

TEST_F(FencingTest, ATakeoverClaimsTheNextEpochFromItsFirstFrameOn) {
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  ASSERT_NO_FATAL_FAILURE(BeginTakeover(&other));
  other.Pass(kLong);
  EXPECT_EQ(other.logger.text(), kLooksAtCopy);
  auto state = StateIn(other);
  ASSERT_EQ(state.claims.size(), 2u);
  EXPECT_EQ(state.newest_claim()->first_frame, FrameNo(2));
  EXPECT_EQ(state.end_of(state.newest_claim()->log_id), FrameNo(2));

  // The one that was replaced goes on as if nothing had happened, and is told when it ships.
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 1).ok());
  MoveStore(other, world_);
  world_.Pass(kLong);
  EXPECT_THAT(world_.logger.text(), HasSubstr("was taken over by another writer (epoch 2"));
  EXPECT_TRUE(absl::IsFailedPrecondition(world_.CommitPages({{1, 8}}, 1)));
  EXPECT_EQ(StateIn(world_), state);
  EXPECT_THAT(*world_.Read(), ElementsAre(7));
}

TEST_F(FencingTest, AFencedWriterMayBeToldToGoOnUnshipped) {
  world_.options.commits_when_fenced = true;
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  ASSERT_NO_FATAL_FAILURE(BeginTakeover(&other));
  other.Pass(kLong);
  MoveStore(other, world_);
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_THAT(world_.logger.text(), HasSubstr("was taken over"));
  EXPECT_TRUE(world_.CommitPages({{1, 8}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_EQ(Shipped(), FrameNo(1));
}

TEST_F(FencingTest, ACopyThatShipsUnderTheSameEpochStopsTheOther) {
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  CopyTo(&other);
  MoveStore(world_, other);
  ASSERT_TRUE(other.Open().ok());
  ASSERT_TRUE(other.CommitPages({{1, 6}}, 1).ok());
  ASSERT_TRUE(other.CommitPages({{1, 7}}, 1).ok());
  other.Pass(kLong);
  EXPECT_EQ(other.logger.text(), kLooksAtCopy);
  const auto state = StateIn(other);
  MoveStore(other, world_);
  ASSERT_TRUE(world_.CommitPages({{1, 8}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_THAT(world_.logger.text(), HasSubstr("another writer has shipped up to frame 3"));
  EXPECT_EQ(StateIn(world_), state);
}

TEST_F(FencingTest, AnOlderCopyGivesUpWhatItLacksOnlyWhenTold) {
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  CopyTo(&other);
  for (uint64_t i = 6; i < 9; ++i) {
    ASSERT_TRUE(world_.CommitPages({{1, i}}, 1).ok());
    world_.Pass(kLong);
  }
  MoveStore(world_, other);
  ASSERT_TRUE(other.Open().ok());
  ASSERT_TRUE(other.CommitPages({{1, 50}}, 1).ok());
  other.Pass(kLong);
  EXPECT_THAT(other.logger.text(), HasSubstr("went its own way"));
  EXPECT_TRUE(absl::IsFailedPrecondition(other.CommitPages({{1, 51}}, 1)));
  other.Crash();
  other.options.takeover = true;
  ASSERT_TRUE(other.Open().ok());
  other.Pass(kLong);
  const auto state = StateIn(other);
  EXPECT_EQ(state.newest_claim()->first_frame, FrameNo(2));
  EXPECT_EQ(state.end_of(state.newest_claim()->log_id), FrameNo(2));
}

TEST_F(FencingTest, AnEmptiedStoreIsRefused) {
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  world_.Crash();
  for (const auto& [path, bytes] : world_.disk->Files()) {
    const bool in_store = path.rfind("/store/", 0) == 0;
    ASSERT_TRUE(!in_store || world_.disk->Unlink(path).ok());
  }
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_THAT(world_.logger.text(), HasSubstr("has lost everything"));
}

// Every call of the first ship fails once: the claim is made once, and nothing is shipped twice.
TEST_F(FencingTest, AFirstShipThatFailsAtAnyCallClaimsOneEpoch) {
  for (uint64_t nth = 0;; ++nth) {
    LogWorld world(std::make_unique<support::SimulatedDisk>(), nth + 10);
    ASSERT_TRUE(world.disk->CreateDirectory("/store").ok());
    Attach(world);
    ASSERT_TRUE(world.Open().ok());
    ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
    world.Pass(world.options.quiet_us + 1);
    const bool fired = WithFailingCall(world, nth, [&] {
      for (int i = 0; i < 4; ++i) world.Pass(60'000'000);
    });
    auto state = StateIn(world);
    EXPECT_EQ(state.claims.size(), 1u) << nth;
    EXPECT_EQ(state.adds.size(), 1u) << nth;
    auto store = io::OpenStore(world.disk.get(), &world.random, world.store.url);
    EXPECT_EQ(segment::ListEpochs(**store, kNamespace)->size(), 1u) << nth;
    EXPECT_EQ(world.log->stored_frame(), FrameNo(1)) << nth << world.logger.text();
    if (!fired || HasFailure()) break;
  }
}

// What was claimed counts only once it is durable here: a crash may not leave a log that shipped
// under an epoch it does not know.
TEST_F(FencingTest, AClaimThatCannotBeNotedIsNotUsed) {
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  for (uint64_t nth = 0;; ++nth) {
    LogWorld other(std::make_unique<support::SimulatedDisk>(), nth + 10);
    bool fired = false;
    ASSERT_NO_FATAL_FAILURE(TakeOverWithFailingCall(&other, nth, &fired));
    for (int i = 0; i < 2; ++i) {
      const auto after_a_power_cut =
          support::CrashImage(*other.disk, other.disk->operation_count(),
                              {.seed = 1, .policy = support::CrashPolicy::kDropUnsynced});
      auto identity =
          ReadIdentity(*after_a_power_cut, std::string(LogWorld::kDirectory) + "/identity");
      ASSERT_TRUE(identity.ok()) << identity.status();
      const Identity& here = other.log->state().identity;
      EXPECT_EQ(identity->epoch, here.epoch) << nth;
      EXPECT_EQ(identity->next_nonce, here.next_nonce) << nth;
      other.Pass(60'000'000);
    }
    if (!fired || HasFailure()) break;
  }
}

// Killed at any call, a takeover is finished by the next run, which was not told of it, behind what
// the store has.
TEST_F(FencingTest, ATakeoverCutShortAtAnyCallTakesNothingFromTheStore) {
  ASSERT_NO_FATAL_FAILURE(ShipFirst());
  bool claimed = false;
  for (uint64_t nth = 0;; ++nth) {
    LogWorld other(std::make_unique<support::SimulatedDisk>(), nth + 10);
    bool fired = false;
    ASSERT_NO_FATAL_FAILURE(TakeOverWithFailingCall(&other, nth, &fired));
    other.Crash();
    other.options.takeover = false;
    ASSERT_TRUE(other.Open().ok()) << nth;
    for (int i = 0; i < 4; ++i) other.Pass(60'000'000);
    const auto state = StateIn(other);
    for (const auto& [key, facts] : state.adds)
      EXPECT_TRUE(segment::IsUnfenced(state, key)) << nth << ": frame " << key.first.value();
    EXPECT_EQ(state.end_of(other.log->state().identity.log_id), FrameNo(2)) << nth;
    claimed |= state.claims.size() == 2;
    if (!fired || HasFailure()) break;
  }
  EXPECT_TRUE(claimed);
}

}  // namespace
}  // namespace strata::wal
