#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compactor/compaction.h"
#include "compactor/history.h"
#include "segment/manifest_log.h"
#include "tests/wal/copies_fixture.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::ManifestEdits;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNever = int64_t{1} << 60;

// Segments that were merged and deleted before a log could compare them with what it holds.
class MergedProgressTest : public CopiesTest {
 protected:
  // A commit of one page in a segment of its own.
  void CommitAndShip(LogWorld& world, uint32_t page, uint64_t version, uint32_t pages) {
    ASSERT_TRUE(world.CommitPages({{page, version}}, pages).ok());
    world.Pass(kLong);
  }

  // All sealed segments become one and are gone, as after compaction and retention.
  void MergeAll(LogWorld& world) {
    auto store = io::OpenStore(world.disk.get(), &world.random, world.store.url);
    ASSERT_TRUE(store.ok()) << store.status();
    auto history = compactor::LoadHistory(**store, kNamespace, world.clock);
    ASSERT_TRUE(history.ok()) << history.status();
    auto plans = compactor::PlanCompactions(*history, *history->live(), compactor::Strategy::kAll);
    ASSERT_TRUE(plans.ok()) << plans.status();
    ASSERT_EQ(plans->size(), 1u);
    compactor::BlockCache cache;
    auto merged = compactor::Compact(store->get(), &cache, &world.clock, &world.random, *history,
                                     *history->live(), plans->front(), {});
    ASSERT_TRUE(merged.ok()) << merged.status();
    ManifestEdits edits;
    for (const compactor::CountedSegment& each : history->live()->segments) {
      ASSERT_TRUE((*store)->Delete(segment::BuildSegmentKey(kNamespace, each.key)).ok());
      edits.forgets.insert(each.key);
    }
    segment::ManifestLog manifests(store->get(), kNamespace, &world.clock, &world.random);
    ASSERT_TRUE(manifests.Publish([&](const ManifestEdits&) { return edits; }).ok());
  }
};

// The mark is written when a log is quiet, so after a kill it may know of no segment at all.
TEST_F(MergedProgressTest, AKilledWriterGoesOnBehindSegmentsThatWereMergedMeanwhile) {
  world_.options.quiet_us = kNever;
  ASSERT_TRUE(world_.Open().ok());
  CommitAndShip(world_, 1, 5, 3);
  CommitAndShip(world_, 3, 6, 3);
  CommitAndShip(world_, 1, 7, 1);  // page 3 is cut off,
  CommitAndShip(world_, 1, 8, 3);  // and zeros when it comes back
  CommitAndShip(world_, 2, 9, 3);
  world_.Crash();
  MergeAll(world_);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_EQ(Shipped(), FrameNo(0)) << "the mark was not behind";
  CommitAndShip(world_, 2, 10, 3);
  EXPECT_EQ(world_.logger.text(), "");
  EXPECT_EQ(Shipped(), FrameNo(6));
  EXPECT_EQ(SealedDigest(), DigestOf({8, 10, 0}));
  EXPECT_EQ(StateIn(world_).end_of(world_.log->state().identity.log_id), FrameNo(6));
}

TEST_F(MergedProgressTest, SoItDoesWithAnAdoptedDatabaseWhoseBaseWasMergedToo) {
  world_.options.quiet_us = kNever;
  world_.CreateDatabase(4);
  ASSERT_TRUE(world_.Open().ok());
  CommitAndShip(world_, 2, 5, 4);
  CommitAndShip(world_, 3, 6, 4);
  world_.Crash();
  MergeAll(world_);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_EQ(Shipped(), FrameNo(0)) << "the mark was not behind";
  CommitAndShip(world_, 2, 10, 4);
  EXPECT_EQ(world_.logger.text(), "");
  EXPECT_EQ(Shipped(), FrameNo(7));
  EXPECT_EQ(SealedDigest(), DigestNow());
}

// Any frame that differs is found, also one of a page that the other side does not have.
TEST_F(MergedProgressTest, ACopyThatDiffersFromAMergedSegmentIsTold) {
  struct Commit {
    uint32_t page;
    uint64_t version;
    uint32_t pages;
  };
  const std::vector<std::vector<Commit>> others = {
      {{2, 7, 3}, {3, 8, 3}},  // another content
      {{3, 6, 3}, {3, 8, 3}},  // another page
      {{2, 6, 3}, {2, 8, 3}},  // a page less
      {{2, 6, 3}, {3, 8, 4}},  // another size
  };
  for (const auto& commits : others) {
    LogWorld original(std::make_unique<support::SimulatedDisk>(), 5);
    ASSERT_TRUE(original.disk->CreateDirectory("/store").ok());
    Attach(original);
    ASSERT_TRUE(original.Open().ok());
    CommitAndShip(original, 1, 5, 3);
    LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
    Copy(original, &other);
    for (const Commit& each : {Commit{2, 6, 3}, Commit{3, 8, 3}}) {
      CommitAndShip(original, each.page, each.version, each.pages);
    }
    MergeAll(original);
    MoveStore(original, other);
    ASSERT_TRUE(other.Open().ok());
    for (const Commit& each : commits) {
      ASSERT_TRUE(other.CommitPages({{each.page, each.version}}, each.pages).ok());
    }
    other.Pass(kLong);
    EXPECT_THAT(other.logger.text(), HasSubstr("went its own way"));
    EXPECT_EQ(StateIn(other), StateIn(original));
  }
}

// A merged segment cannot be cut: a claim inside it would take all of it away.
TEST_F(MergedProgressTest, ATakeoverInsideAMergedSegmentIsRefusedAndChangesNothing) {
  ASSERT_TRUE(world_.Open().ok());
  CommitAndShip(world_, 1, 5, 1);
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  Copy(world_, &other);
  CommitAndShip(world_, 1, 6, 1);
  MergeAll(world_);
  MoveStore(world_, other);
  const auto before = StoreFiles(other);
  other.options.takeover = true;
  ASSERT_TRUE(other.Open().ok());
  ASSERT_TRUE(other.CommitPages({{1, 50}}, 1).ok());
  other.Pass(kLong);
  EXPECT_THAT(other.logger.text(), HasSubstr("lies inside merged segments"));
  EXPECT_EQ(StoreFiles(other), before);
  EXPECT_TRUE(absl::IsFailedPrecondition(other.CommitPages({{1, 51}}, 1)));
}

TEST_F(MergedProgressTest, ATakeoverThatWouldTakeAMergedBaseAwayIsRefused) {
  world_.CreateDatabase(4);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{2, 5}}, 4).ok());
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  Copy(world_, &other);
  world_.Pass(kLong);
  CommitAndShip(world_, 2, 6, 4);
  MergeAll(world_);
  MoveStore(world_, other);
  const auto before = StoreFiles(other);
  other.options.takeover = true;
  ASSERT_TRUE(other.Open().ok());
  ASSERT_TRUE(other.CommitPages({{2, 50}}, 4).ok());
  other.Pass(kLong);
  EXPECT_THAT(other.logger.text(), HasSubstr("lies inside merged segments"));
  EXPECT_EQ(StoreFiles(other), before);
}

TEST_F(MergedProgressTest, ATakeoverBehindAMergedSegmentIsMade) {
  ASSERT_TRUE(world_.Open().ok());
  CommitAndShip(world_, 1, 5, 1);
  CommitAndShip(world_, 1, 6, 1);
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 99);
  Copy(world_, &other);
  MergeAll(world_);
  MoveStore(world_, other);
  other.options.takeover = true;
  ASSERT_TRUE(other.Open().ok());
  CommitAndShip(other, 1, 7, 1);
  EXPECT_EQ(other.logger.text(), kLooksAtCopy);
  const auto state = StateIn(other);
  ASSERT_EQ(state.claims.size(), 2u);
  EXPECT_EQ(state.newest_claim()->first_frame, FrameNo(3));
  EXPECT_EQ(segment::ReachableEnd(state, state.newest_claim()->log_id), FrameNo(3));
}

}  // namespace
}  // namespace strata::wal
