#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "segment/dictionary_store.h"
#include "segment/manifest_log.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"
#include "tests/support/disk_helpers.h"
#include "tests/wal/ship_fixture.h"
#include "wal/adoption.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::StoredSegment;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ShipTest, SegmentsFollowOneAnotherAndCarryTheDigest) {
  ASSERT_TRUE(world_.Open().ok());
  uint64_t version = 1;
  for (uint32_t pages : {3, 5, 2, 6}) {
    std::vector<PageVersion> all;
    for (uint32_t page = 1; page <= pages; ++page) all.push_back({page, ++version});
    ASSERT_TRUE(world_.CommitPages(all, pages).ok());
    ASSERT_TRUE(world_.CommitPages({{1, ++version}}, pages).ok());
    world_.Pass(kLong);
    const auto stored = Stored();
    ASSERT_FALSE(stored.empty());
    EXPECT_EQ(StoredDigest(stored.back()), DigestNow()) << pages;
    EXPECT_EQ(SealedDigest(), DigestNow());
    ASSERT_TRUE(world_.log->Checkpoint(Shipped(), true, false)
                    .ok());  // from now on the database file says what was
  }
  FrameNo next(1);
  for (const StoredSegment& each : Stored()) {
    EXPECT_EQ(each.key.first, next);
    next = each.key.last.next();
  }
  EXPECT_EQ(next.previous(), world_.log->state().commits->visible_frame());
  EXPECT_EQ(world_.logger.text(), "");
}

TEST_F(ShipTest, VersionsOfAPageAreShippedAsDeltas) {
  ASSERT_TRUE(world_.Open().ok());
  for (uint64_t i = 1; i <= 40; ++i) ASSERT_TRUE(world_.CommitPages({{1, i}, {2, i}}, 2).ok());
  world_.Pass(kLong);
  ASSERT_EQ(Stored().size(), 1u);
  // Two pages, and 17 versions from one keyframe to the next.
  EXPECT_EQ(CountCodec(Stored()[0], segment::Codec::kDelta), 80u - 2 * 3);
  EXPECT_EQ(StoredDigest(Stored()[0]), DigestNow());
}

TEST_F(ShipTest, WithoutChainsThereAreNoDeltas) {
  world_.options.longest_chain = 0;
  ASSERT_TRUE(world_.Open().ok());
  for (uint64_t i = 1; i <= 40; ++i) ASSERT_TRUE(world_.CommitPages({{1, i}, {2, i}}, 2).ok());
  world_.Pass(kLong);
  EXPECT_EQ(CountCodec(Stored()[0], segment::Codec::kDelta), 0u);
}

TEST_F(ShipTest, ADictionaryIsTrainedOnceAndUsedByLaterSegmentsAndRuns) {
  world_.options.longest_chain = 0;
  world_.options.dictionary_frames = 200;
  ASSERT_TRUE(world_.Open().ok());
  uint64_t version = 0;
  size_t with_dictionary = 0;
  for (int segment = 0; segment < 4; ++segment) {
    for (int i = 0; i < 60; ++i) {
      ++version;
      ASSERT_TRUE(world_.CommitPages({{1, version}, {2, version}}, 2).ok());
    }
    world_.Pass(kLong);
    with_dictionary = CountCodec(Stored().back(), segment::Codec::kZstdDictionary);
    EXPECT_EQ(with_dictionary, segment < 2 ? 0u : 120u) << segment;
  }
  const auto trained =
      segment::FindNewestDictionary(*store_, kNamespace, segment::DictionaryKind::kFrames);
  ASSERT_TRUE(trained.ok() && *trained != nullptr);
  EXPECT_EQ(store_->List(std::string(kNamespace) + "/dictionaries/", "", 10)->size(), 1u);

  world_.Crash();
  ASSERT_TRUE(world_.Open().ok());
  ++version;
  ASSERT_TRUE(world_.CommitPages({{1, version}, {2, version}}, 2).ok());
  world_.Pass(kLong);
  EXPECT_EQ(CountCodec(Stored().back(), segment::Codec::kZstdDictionary), 2u);
  EXPECT_EQ(store_->List(std::string(kNamespace) + "/dictionaries/", "", 10)->size(), 1u);
  EXPECT_EQ(StoredDigest(Stored().back()), DigestNow());
}

TEST_F(ShipTest, NothingIsSealedBeforeItsTime) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
  world_.Pass(world_.options.seal_after_us - 1);
  EXPECT_EQ(Stored().size(), 0u);
  world_.Pass(1);
  EXPECT_EQ(Stored().size(), 1u);
}

TEST_F(ShipTest, ALargeBacklogIsSealedAtOnceInPieces) {
  world_.options.seal_bytes = 4 * 576;
  ASSERT_TRUE(world_.Open().ok());
  for (uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(world_.CommitPages({{1, i}, {2, i}}, 2).ok());
  world_.Pass(1);
  EXPECT_EQ(Stored().size(), 10u);
  EXPECT_EQ(Shipped(), FrameNo(40));
}

TEST_F(ShipTest, ALostResponseIsRecognised) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
  world_.Pass(kLong);
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 1).ok());
  world_.Pass(world_.options.quiet_us + 1);  // the log itself has nothing to sync after this
  // The object is in place, its directory's sync fails: the caller cannot know.
  world_.disk->FailOperation({.calls = support::kSyncDirectoryCall});
  world_.Pass(kLong);
  EXPECT_EQ(world_.disk->faults_fired(), 1u);
  EXPECT_EQ(Shipped(), FrameNo(1));
  world_.Pass(60'000'000);
  EXPECT_EQ(Shipped(), FrameNo(2));
  EXPECT_EQ(Stored().size(), 2u);
  EXPECT_EQ(SealedDigest(), DigestNow());
}

TEST_F(ShipTest, WhatAKilledUploadLeftGoesWhenTheLogIsShippedAgain) {
  const std::string leftover = "/store/app/segments/~0123456789abcdef";
  for (const char* directory : {"/store/app", "/store/app/segments"})
    ASSERT_TRUE(world_.disk->CreateDirectory(directory).ok());
  ASSERT_TRUE(support::DurableFile(*world_.disk, leftover, {1, 2, 3}).ok());
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_EQ(Stored().size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(world_.disk->Stat(leftover).status()));
}

TEST_F(ShipTest, AFailingStoreDoesNotStopCommits) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.disk->RemoveDirectory("/store").ok());
  ASSERT_TRUE(
      support::DurableFile(*world_.disk, "/store", {1}).ok());  // no directory can be made there
  for (uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(world_.CommitPages({{1, i}}, 1).ok());
    world_.Pass(kLong);
  }
  EXPECT_EQ(Shipped(), FrameNo(0));
  EXPECT_THAT(world_.logger.text(), HasSubstr("shipping"));
  ASSERT_TRUE(world_.disk->Unlink("/store").ok());
  ASSERT_TRUE(world_.disk->CreateDirectory("/store").ok());
  world_.Pass(120'000'000);
  EXPECT_EQ(Shipped(), FrameNo(5));
}

TEST_F(ShipTest, ABacklogOverItsLimitFailsCommits) {
  world_.options.backlog_bytes = 2'000;
  ASSERT_TRUE(world_.Open().ok());
  for (uint64_t i = 1; i <= 4; ++i) ASSERT_TRUE(world_.CommitPages({{1, i}}, 1).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(world_.CommitPages({{1, 9}}, 1)));
  world_.Pass(kLong);
  EXPECT_TRUE(world_.CommitPages({{1, 9}}, 1).ok());
}

TEST_F(ShipTest, ANamespaceOfAnotherDatabaseIsRefused) {
  {
    LogWorld other(std::make_unique<support::SimulatedDisk>(world_.disk->CurrentTree()), 77);
    Attach(other);
    ASSERT_TRUE(other.Open().ok());
    ASSERT_TRUE(other.CommitPages({{1, 5}}, 1).ok());
    other.Pass(kLong);
    ASSERT_EQ(other.logger.text(), "");
    other.Crash();
    world_.disk = std::make_unique<support::SimulatedDisk>(other.disk->CurrentTree());
  }
  const auto names = world_.disk->List(LogWorld::kDirectory);
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names) {
    ASSERT_TRUE(world_.disk->Unlink(std::string(LogWorld::kDirectory) + "/" + name).ok());
  }
  const absl::Status refused = world_.Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("belongs to another database"));
  EXPECT_THAT(*world_.disk->List("/"), testing::Not(testing::Contains("app.db-wal")))
      << "what a refused open leaves behind keeps stock SQLite out";
  world_.options.takeover = true;
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_TRUE(world_.CommitPages({{1, 7}}, 1).ok());
}

TEST_F(ShipTest, AStoreWhoseDirectoryCannotBeMadeIsRefusedAtFirst) {
  world_.store.url = "file:///nowhere/store";
  const absl::Status refused = world_.Open();
  EXPECT_TRUE(absl::IsNotFound(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("no such directory"));
  EXPECT_THAT(*world_.disk->List("/"), testing::Not(testing::Contains("app.db-wal")));
}

TEST_F(ShipTest, AnOlderCopyOfTheDatabaseIsRefused) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
  world_.Pass(kLong);
  const auto old = world_.disk->Files();
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 1).ok());
  ASSERT_TRUE(world_.CommitPages({{1, 7}}, 1).ok());
  world_.Pass(kLong);
  world_.Crash();
  for (const auto& [path, bytes] : old) {  // somebody puts a backup back
    if (path.rfind(LogWorld::kDirectory, 0) != 0) continue;
    auto file = world_.disk->Open(path, io::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok() && (*file)->Truncate(0).ok() && (*file)->Write(0, bytes).ok());
  }
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(5));
  ASSERT_TRUE(world_.CommitPages({{1, 8}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_THAT(world_.logger.text(), HasSubstr("older copy"));
  EXPECT_TRUE(absl::IsFailedPrecondition(world_.CommitPages({{1, 9}}, 1)));
}

TEST_F(ShipTest, AnAdoptedDatabaseShipsItsBaseImageFirst) {
  world_.CreateDatabase(4);
  ASSERT_TRUE(world_.Open().ok());
  const uint64_t base_digest = DigestNow();
  ASSERT_TRUE(world_.CommitPages({{3, 5}}, 4).ok());
  world_.Pass(kLong);
  const auto stored = Stored();
  ASSERT_EQ(stored.size(), 2u);
  for (const StoredSegment& each : stored) {
    const bool base = each.key.level == segment::kBaseLevel;
    EXPECT_EQ(each.key.first, FrameNo(base ? 1 : 5));
    EXPECT_EQ(each.key.last, FrameNo(base ? 4 : 5));
    EXPECT_EQ(StoredDigest(each), base ? base_digest : DigestNow());
  }
}

TEST_F(ShipTest, SealingGoesOnAfterAKill) {
  world_.CreateDatabase(4);
  ASSERT_TRUE(world_.Open().ok());
  for (uint64_t i = 2; i < 8; ++i) {
    ASSERT_TRUE(world_.CommitPages({{3, i}, {2, i}}, 4).ok());
    world_.Pass(kLong);
    if (i % 2 == 0) {
      ASSERT_TRUE(world_.log->Checkpoint(Shipped(), true, false).ok());
    }
    world_.Crash();
    ASSERT_TRUE(world_.Open().ok());
    EXPECT_EQ(world_.log->state().commits->visible().database_pages, 4u);
  }
  ASSERT_TRUE(world_.CommitPages({{1, 9}}, 4).ok());
  world_.Pass(kLong);
  EXPECT_EQ(Shipped(), world_.log->state().commits->visible_frame());
  EXPECT_EQ(SealedDigest(), DigestNow());
  EXPECT_EQ(world_.logger.text(), "");
}

TEST_F(ShipTest, AnIdleDatabaseAsksNothing) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
  for (int i = 0; i < 20; ++i) world_.Pass(1'000'000);
  const uint64_t calls = world_.disk->call_count();
  for (int i = 0; i < 3600; ++i) world_.Pass(1'000'000);
  EXPECT_EQ(world_.disk->call_count(), calls);
}

// Clean close with a store.

TEST_F(ShipTest, CleanCloseLeavesThePlainFileAndItsIdentity) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  ASSERT_TRUE(world_.Close().ok());
  EXPECT_THAT(*world_.disk->List("/"), ElementsAre("app.db", "app.db-strata", "store"));
}

TEST_F(ShipTest, AnUnchangedDatabaseGoesOnWithItsHistory) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  const segment::LogId id = world_.log->state().identity.log_id;
  for (uint64_t i = 6; i < 9; ++i) {
    ASSERT_TRUE(world_.Close().ok());
    ASSERT_TRUE(world_.Open().ok());
    EXPECT_EQ(world_.log->state().identity.log_id, id);
    ASSERT_TRUE(world_.CommitPages({{2, i}}, 2).ok());
    world_.Crash();
    ASSERT_TRUE(world_.Open().ok());
    EXPECT_THAT(*world_.Read(), ElementsAre(5, i));
    EXPECT_EQ(world_.log->state().commits->visible_frame(), FrameNo(i - 3));
  }
  world_.Pass(kLong);
  EXPECT_EQ(Shipped(), FrameNo(5));
  EXPECT_EQ(world_.logger.text(), "");
}

TEST_F(ShipTest, AChangedDatabaseStartsANewHistoryOfItsParent) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  const segment::LogId parent = world_.log->state().identity.log_id;
  ASSERT_TRUE(world_.Close().ok());
  {
    auto file = world_.disk->Open(LogWorld::kDatabase, io::OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->Write(kPageSize, PageBytes(2, 77)).ok());
  }
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(5, 77));
  EXPECT_NE(world_.log->state().identity.log_id, parent);
  EXPECT_EQ(world_.log->state().identity.parent_log_id, parent);
  EXPECT_EQ(world_.log->state().identity.parent_frame, FrameNo(2));
  EXPECT_THAT(world_.logger.text(), HasSubstr("changed by another program"));
  ASSERT_TRUE(world_.CommitPages({{2, 78}}, 2).ok());
  world_.Pass(kLong);
  EXPECT_EQ(Shipped(), FrameNo(3));
  EXPECT_EQ(SealedDigest(), DigestNow());
}

TEST_F(ShipTest, ATouchedButEqualDatabaseGoesOn) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  const segment::LogId id = world_.log->state().identity.log_id;
  ASSERT_TRUE(world_.Close().ok());
  {
    auto file = world_.disk->Open(LogWorld::kDatabase, io::OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->Write(kPageSize, PageBytes(2, 5)).ok());
  }
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_EQ(world_.log->state().identity.log_id, id);
}

TEST_F(ShipTest, ACloseCutShortAtAnyCallGoesOnWithItsHistory) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}, {2, 5}}, 2).ok());
  world_.Pass(kLong);
  const segment::LogId id = world_.log->state().identity.log_id;
  world_.Crash();
  for (uint64_t nth = 0;; ++nth) {
    LogWorld world(std::make_unique<support::SimulatedDisk>(world_.disk->CurrentTree()), nth + 10);
    Attach(world);
    ASSERT_TRUE(world.Open().ok());
    ASSERT_TRUE(world.CommitPages({{2, 6}}, 2).ok());
    world.disk->FailOperation({.nth = nth, .for_ever = true});
    world.connection.reset();
    const bool closed = world.log->Close(true, true).ok();
    world.Crash();
    world.disk->ClearFaults();
    const absl::Status opened = world.Open();
    ASSERT_TRUE(opened.ok()) << nth << ": " << opened;
    EXPECT_EQ(world.log->state().identity.log_id, id) << nth;
    EXPECT_EQ(world.log->state().commits->visible_frame(), FrameNo(3)) << nth;
    EXPECT_THAT(*world.Read(), ElementsAre(5, 6)) << nth;
    ASSERT_TRUE(world.CommitPages({{2, 7}}, 2).ok());
    world.Pass(kLong);
    EXPECT_EQ(ShippedOf(world), FrameNo(4)) << nth << world.logger.text();
    if (closed || HasFailure()) break;
  }
}

TEST_F(ShipTest, AnotherStoreThanRememberedIsRefused) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 5}}, 1).ok());
  world_.Crash();
  world_.store.name_space = "other";
  EXPECT_TRUE(absl::IsInvalidArgument(world_.Open()));
}

}  // namespace
}  // namespace strata::wal
