#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "io/object_stream.h"
#include "io/store_url.h"
#include "segment/dictionary_store.h"
#include "segment/digest.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "segment/store_listing.h"
#include "tests/support/disk_helpers.h"
#include "tests/wal/log_world.h"
#include "wal/adoption.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::StoredSegment;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kNamespace[] = "app";
constexpr int64_t kLong = 3'000'000;

class ShipTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.disk->CreateDirectory("/store").ok());
    Attach(world_);
  }
  static void Attach(LogWorld& world) {
    world.store = {io::LocalStoreUrl("/store"), kNamespace};
    world.options.seal_after_us = 1'000'000;
  }

  std::vector<StoredSegment> Stored() {
    auto store = io::OpenStore(world_.disk.get(), &world_.random, world_.store.url);
    EXPECT_TRUE(store.ok()) << store.status();
    auto stored = segment::ListSegments(**store, kNamespace, world_.log->state().identity.log_id);
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.value_or(std::vector<StoredSegment>{});
  }

  // Opened, and every byte of it verified.
  std::unique_ptr<segment::SegmentReader> OpenStored(const StoredSegment& stored) {
    store_ = *io::OpenStore(world_.disk.get(), &world_.random, world_.store.url);
    auto source =
        io::ObjectSource::Open(store_.get(), segment::BuildSegmentKey(kNamespace, stored.key));
    EXPECT_TRUE(source.ok()) << source.status();
    auto reader = segment::SegmentReader::Open(
        *std::move(source),
        std::make_shared<segment::StoredDictionaries>(store_.get(), &dictionaries_, kNamespace));
    EXPECT_TRUE(reader.ok()) << reader.status();
    const absl::Status verified = (*reader)->VerifyAll();
    EXPECT_TRUE(verified.ok()) << verified;
    return *std::move(reader);
  }

  uint64_t StoredDigest(const StoredSegment& stored) {
    return OpenStored(stored)->commits().back().digest;
  }

  // Frames of a stored segment with a codec.
  size_t CountCodec(const StoredSegment& stored, segment::Codec codec) {
    const auto reader = OpenStored(stored);
    const auto entries = reader->ReadDirectory(0, reader->footer().frames);
    EXPECT_TRUE(entries.ok()) << entries.status();
    return static_cast<size_t>(std::count_if(entries->begin(), entries->end(),
                                             [&](auto& entry) { return entry.codec == codec; }));
  }

  uint64_t DigestNow() {
    const auto versions = world_.Read();
    EXPECT_TRUE(versions.ok()) << versions.status();
    segment::Digest digest;
    for (uint32_t i = 0; i < versions->size(); ++i) {
      digest.Toggle(segment::PageHash(segment::PageNo(i + 1), PageBytes(i + 1, (*versions)[i])));
    }
    return digest.value();
  }

  static FrameNo ShippedOf(LogWorld& world) {
    io::MutexLock lock(&world.log->state().append_mutex);
    return world.log->state().progress.shipped;
  }
  FrameNo Shipped() { return ShippedOf(world_); }

  uint64_t SealedDigest() {
    io::MutexLock lock(&world_.log->state().append_mutex);
    return world_.log->state().progress.sealed_digest;
  }

  LogWorld world_;
  std::unique_ptr<io::ObjectStore> store_;
  segment::DictionaryCache dictionaries_;
};

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
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 6}}, 1).ok());
  world_.Pass(kLong);
  EXPECT_THAT(world_.logger.text(), HasSubstr("belongs to another database"));
  EXPECT_TRUE(absl::IsFailedPrecondition(world_.CommitPages({{1, 7}}, 1)));
  EXPECT_THAT(*world_.Read(), ElementsAre(6));
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

// The background, under a clock that the test moves.

TEST(MaintenanceTest, NormalIsSyncedWithinItsTime) {
  LogWorld world;
  world.options.quiet_us = 100'000'000;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1, Durability::kNormal).ok());
  world.Pass(world.options.unsynced_us - 1);
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(0));
  world.Pass(1);
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(1));
}

TEST(MaintenanceTest, NormalIsSyncedWithinItsBytes) {
  LogWorld world;
  world.options.unsynced_bytes = 3 * 576;
  ASSERT_TRUE(world.Open().ok());
  for (uint64_t i = 1; i <= 3; ++i)
    ASSERT_TRUE(world.CommitPages({{1, i}}, 1, Durability::kNormal).ok());
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(0));
  ASSERT_TRUE(world.CommitPages({{1, 4}}, 1, Durability::kNormal).ok());
  EXPECT_EQ(world.log->state().commits->synced(), FrameNo(4));
}

TEST(MaintenanceTest, AMarkFollowsWhenTheLogGoesQuiet) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  EXPECT_EQ(RecoverLog(*world.disk, LogWorld::kDirectory)->durable, FrameNo(0));
  world.Pass(world.options.quiet_us - 1);
  EXPECT_EQ(RecoverLog(*world.disk, LogWorld::kDirectory)->durable, FrameNo(0));
  world.Pass(1);
  EXPECT_EQ(RecoverLog(*world.disk, LogWorld::kDirectory)->durable, FrameNo(1));
  const uint64_t operations = world.disk->operation_count();
  for (int i = 0; i < 20; ++i) world.Pass(1'000'000);
  EXPECT_EQ(world.disk->operation_count(), operations) << "a quiet log writes";
}

TEST(MaintenanceTest, OffIsNeverSynced) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1, Durability::kOff).ok());
  const auto syncs = [&] {
    int count = 0;
    for (const auto& each : world.disk->Operations())
      count += each->kind == support::OperationKind::kSync;
    return count;
  };
  const int before = syncs();
  for (int i = 0; i < 10; ++i) world.Pass(1'000'000);
  EXPECT_EQ(syncs(), before);
}

TEST(MaintenanceTest, ALongLogIsCheckpointedAndItsFilesRemoved) {
  LogWorld world;
  world.options.checkpoint_bytes = 8 * 576;
  world.options.segment_bytes = 4096 + 4 * 576;
  ASSERT_TRUE(world.Open().ok());
  for (uint64_t i = 1; i <= 40; ++i) {
    ASSERT_TRUE(world.CommitPages({{1, i}, {2, i}}, 2).ok());
    world.Pass(1'000);
  }
  EXPECT_LE(world.LogFileNames().size(), 6u);
  EXPECT_GE(world.log->state().index->floor(), FrameNo(60));
  EXPECT_THAT(*world.Read(), ElementsAre(40, 40));
}

TEST(CheckpointerTest, StopsAtTheOldestReader) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  Connection reader(world.log);
  ASSERT_TRUE(reader.BeginRead().ok());
  ASSERT_TRUE(world.CommitPages({{1, 6}}, 1).ok());
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(2), true, false).ok());
  EXPECT_EQ(world.log->state().index->floor(), FrameNo(1));
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase), PageBytes(1, 5));
  reader.EndRead();
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(2), true, false).ok());
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase), PageBytes(1, 6));
}

TEST(CheckpointerTest, AFailedSyncOfTheDatabaseFileIsNotTriedAgain) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 1).ok());
  world.disk->FailOperation({.calls = support::kSyncCall});
  EXPECT_FALSE(world.log->Checkpoint(FrameNo(1), true, false).ok());
  EXPECT_FALSE(world.log->Checkpoint(FrameNo(1), true, false).ok());
  EXPECT_EQ(world.log->state().index->floor(), FrameNo(0));
  EXPECT_EQ(world.LogFileNames().size(), 1u);
  EXPECT_TRUE(world.CommitPages({{1, 6}}, 1).ok());
}

TEST(CheckpointerTest, AShrunkDatabaseIsCut) {
  LogWorld world;
  world.CreateDatabase(5);
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 5}}, 2).ok());
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(6), true, false).ok());
  EXPECT_EQ(support::ReadAll(*world.disk, LogWorld::kDatabase).size(), 2 * kPageSize);
}

}  // namespace
}  // namespace strata::wal
