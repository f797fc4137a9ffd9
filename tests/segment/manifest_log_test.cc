#include "segment/manifest_log.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/local_object_store.h"
#include "tests/segment/manifest_samples.h"
#include "tests/support/crash_image.h"
#include "tests/support/fake_clock.h"
#include "tests/support/simulated_disk.h"

namespace strata::segment {
namespace {

using support::SimulatedDisk;
using testing::HasSubstr;

constexpr char kNs[] = "app";
constexpr int64_t kWeekUs = 7 * 86'400'000'000;

class ManifestLogTest : public testing::Test {
 protected:
  std::unique_ptr<io::ObjectStore> OpenStore() {
    return std::make_unique<io::LocalObjectStore>(&disk_, &random_, "/store");
  }
  std::unique_ptr<ManifestLog> NewLog() {
    return std::make_unique<ManifestLog>(store_.get(), kNs, &clock_, &random_);
  }

  static ManifestLog::MakeEdits Add(uint64_t n) {
    return [n](const ManifestEdits& recent) -> absl::StatusOr<ManifestEdits> {
      ManifestEdits edits;
      if (recent.end_of(SampleLog(1)) >= FrameNo(n)) return edits;
      edits.adds[SampleKey(n, n)] = {n, 0, 1, 0, 0};
      return edits;
    };
  }

  static absl::Status AddAll(ManifestLog* log, uint64_t first, uint64_t last) {
    for (uint64_t n = first; n <= last; ++n) {
      const absl::Status added = log->Publish(Add(n));
      if (!added.ok()) return added;
    }
    return absl::OkStatus();
  }

  // Number of segments that a new reader finds, all of which must be those that were added.
  uint64_t Seen() {
    auto log = NewLog();
    const absl::Status refreshed = log->Refresh();
    EXPECT_TRUE(refreshed.ok()) << refreshed;
    auto all = log->ReadAll();
    EXPECT_TRUE(all.ok()) << all.status();
    uint64_t n = 0;
    for (const auto& [key, facts] : all->adds) {
      ++n;
      EXPECT_EQ(key, SampleKey(n, n));
    }
    return n;
  }
  void Delete(const std::string& key) { ASSERT_TRUE(store_->Delete(key).ok()); }

  SimulatedDisk disk_;
  io::SeededRandom random_{1};
  support::FakeClock clock_;
  const std::unique_ptr<io::ObjectStore> store_ = OpenStore();
};

TEST_F(ManifestLogTest, OpeningTakesTwoRequests) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 20).ok());
  ASSERT_TRUE(log->WriteHint().ok());
  const uint64_t before = store_->request_counts().total();
  EXPECT_EQ(Seen(), 20u);
  EXPECT_EQ(store_->request_counts().total() - before, 2u);
  // The first writer's look at what was there before.
  EXPECT_EQ(store_->request_counts()[io::RequestKind::kList], 3u);
}

TEST_F(ManifestLogTest, APublishIsOneRequest) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 1).ok());
  const uint64_t before = store_->request_counts().total();
  ASSERT_TRUE(AddAll(log.get(), 2, 11).ok());
  EXPECT_EQ(store_->request_counts().total() - before, 10u);
}

TEST_F(ManifestLogTest, AStaleHintIsFollowedByItsChanges) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 3).ok());
  ASSERT_TRUE(log->WriteHint().ok());
  ASSERT_TRUE(AddAll(log.get(), 4, 9).ok());
  EXPECT_EQ(Seen(), 9u);
}

TEST_F(ManifestLogTest, WithoutAHintTheChangesAreFoundFromTheFirst) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 9).ok());
  EXPECT_EQ(Seen(), 9u);
}

TEST_F(ManifestLogTest, ADamagedHintCostsAListing) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 9).ok());
  ASSERT_TRUE(io::PutObject(*store_, BuildHintKey(kNs), io::IfPresent::kReplace, {{1, 2, 3}}).ok());
  EXPECT_EQ(Seen(), 9u);
}

TEST_F(ManifestLogTest, WritersThatRaceBothSucceedAndSeeEachOther) {
  auto a = NewLog();
  auto b = NewLog();
  ASSERT_TRUE(a->Refresh().ok());
  ASSERT_TRUE(b->Refresh().ok());
  ASSERT_TRUE(a->Publish(Add(1)).ok());
  ASSERT_TRUE(b->Publish(Add(2)).ok());
  ASSERT_TRUE(a->Publish(Add(3)).ok());
  EXPECT_EQ(b->tip().number, 2u);
  EXPECT_EQ(a->tip().number, 3u);
  EXPECT_EQ(Seen(), 3u);
}

TEST_F(ManifestLogTest, AChangeThatMakesNoSenseAnyMoreIsNotMade) {
  auto a = NewLog();
  auto b = NewLog();
  ASSERT_TRUE(a->Refresh().ok());
  ASSERT_TRUE(b->Refresh().ok());
  ASSERT_TRUE(a->Publish(Add(1)).ok());
  const auto only_first = [](const ManifestEdits& recent) -> absl::StatusOr<ManifestEdits> {
    if (!recent.adds.empty()) return absl::FailedPreconditionError("not the first");
    ManifestEdits edits;
    edits.adds[SampleKey(1, 5)] = {};
    return edits;
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(b->Publish(only_first)));
  EXPECT_EQ(Seen(), 1u);
}

// An error by what was the state a while ago may be none by now.
TEST_F(ManifestLogTest, AnErrorStandsOnlyWhenTheNewestStateIsItsReason) {
  auto a = NewLog();
  auto b = NewLog();
  ASSERT_TRUE(a->Publish(Add(1)).ok());
  ASSERT_TRUE(b->Publish(Add(2)).ok());
  const auto third = [](const ManifestEdits& recent) -> absl::StatusOr<ManifestEdits> {
    if (recent.end_of(SampleLog(1)) != FrameNo(2)) return absl::FailedPreconditionError("no");
    ManifestEdits edits;
    edits.adds[SampleKey(3, 3)] = {3, 0, 1, 0, 0};
    return edits;
  };
  const absl::Status published = a->Publish(third);
  EXPECT_TRUE(published.ok()) << published;
  EXPECT_EQ(Seen(), 3u);
  const uint64_t before = store_->request_counts().total();
  EXPECT_TRUE(absl::IsFailedPrecondition(a->Publish(third)));
  EXPECT_EQ(store_->request_counts().total(), before + 1);
}

// The change is there, the answer is not: the same call again finds nothing left to do.
TEST_F(ManifestLogTest, ALostAnswerIsRecognised) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 2).ok());
  disk_.FailOperation({.calls = support::kSyncDirectoryCall});
  EXPECT_FALSE(log->Publish(Add(3)).ok());
  ASSERT_TRUE(log->Publish(Add(3)).ok());
  EXPECT_EQ(log->tip().number, 3u);
  EXPECT_EQ(Seen(), 3u);
}

TEST_F(ManifestLogTest, BasesCarryWhatCameBeforeThem) {
  auto log = NewLog();
  const uint64_t count = 3 * kBaseEvery + 5;
  ASSERT_TRUE(AddAll(log.get(), 1, count).ok());
  EXPECT_EQ(log->tip().parts.size(), 3u);
  EXPECT_EQ(Seen(), count);
  ASSERT_TRUE(log->WriteHint().ok());
  const uint64_t before = store_->request_counts().total();
  EXPECT_EQ(Seen(), count);
  EXPECT_EQ(store_->request_counts().total() - before, 2 + 3u);
  // What is behind the last base is all that is needed.
  for (uint64_t n = 1; n < 3 * kBaseEvery; ++n) Delete(BuildManifestKey(kNs, n));
  EXPECT_EQ(Seen(), count);
  Delete(BuildHintKey(kNs));
  EXPECT_EQ(Seen(), count);
  Delete(BuildManifestKey(kNs, 3 * kBaseEvery));
  EXPECT_TRUE(absl::IsDataLoss(NewLog()->Refresh()));
}

TEST_F(ManifestLogTest, AFarTooOldHintFindsABaseInFewRequests) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 3).ok());
  ASSERT_TRUE(log->WriteHint().ok());
  ASSERT_TRUE(AddAll(log.get(), 4, 2 * kBaseEvery + 7).ok());
  const uint64_t before = store_->request_counts().total();
  EXPECT_EQ(Seen(), 2 * kBaseEvery + 7);
  EXPECT_LE(store_->request_counts().total() - before, 40u);
}

TEST_F(ManifestLogTest, AnOldHintPutBackWhenItsChangesAreGoneIsNotBelieved) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 3).ok());
  ASSERT_TRUE(log->WriteHint().ok());
  clock_.Advance(kWeekUs);
  ASSERT_TRUE(AddAll(log.get(), 4, kBaseEvery + 7).ok());
  for (uint64_t n = 1; n < kBaseEvery; ++n) Delete(BuildManifestKey(kNs, n));
  EXPECT_EQ(Seen(), kBaseEvery + 7);
}

TEST_F(ManifestLogTest, AnExpiredNameThatIsCreatedAnewIsNoSuccess) {
  auto stalled = NewLog();
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, 3).ok());
  ASSERT_TRUE(stalled->Refresh().ok());
  ASSERT_TRUE(AddAll(log.get(), 4, kBaseEvery + 7).ok());
  ASSERT_TRUE(log->WriteHint().ok());
  for (uint64_t n = 1; n < kBaseEvery; ++n) Delete(BuildManifestKey(kNs, n));
  clock_.Advance(kWeekUs);
  bool told = false;
  const auto make = [&](const ManifestEdits& recent) -> absl::StatusOr<ManifestEdits> {
    told = recent.end_of(SampleLog(1)) == FrameNo(kBaseEvery + 7);
    if (told) return absl::FailedPreconditionError("somebody else did that");
    ManifestEdits edits;
    edits.adds[SampleKey(4, 4)] = {};
    return edits;
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(stalled->Publish(make)));
  EXPECT_TRUE(told);
  EXPECT_EQ(Seen(), kBaseEvery + 7);
  EXPECT_TRUE(absl::IsNotFound(store_->GetRange(BuildManifestKey(kNs, 4), 0, 10).status()));
}

TEST_F(ManifestLogTest, NewPartsReplaceAllOthers) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, kBaseEvery + 5).ok());
  ASSERT_TRUE(log->PublishWithNewParts(Add(kBaseEvery + 6)).ok());
  EXPECT_EQ(log->tip().parts.size(), 1u);
  EXPECT_EQ(Seen(), kBaseEvery + 6);
  ASSERT_TRUE(AddAll(log.get(), kBaseEvery + 7, 2 * kBaseEvery + 1).ok());
  EXPECT_EQ(Seen(), 2 * kBaseEvery + 1);
}

TEST_F(ManifestLogTest, PartsMergeAndForgetWhatIsGone) {
  auto log = NewLog();
  uint64_t n = 0;
  for (int base = 0; base < 9; ++base) {
    for (uint64_t i = 0; i < kBaseEvery; ++i, ++n) {
      const auto make = [&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        ManifestEdits edits;
        if (i % 2 == 0) edits.adds[SampleKey(n + 1, n + 1)] = {};
        if (i % 2 == 1) edits.forgets.insert(SampleKey(n, n));
        return edits;
      };
      ASSERT_TRUE(log->Publish(make).ok());
    }
  }
  EXPECT_LT(log->tip().parts.size(), 8u);
  auto all = log->ReadAll();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->segments(), 0u);
}

TEST_F(ManifestLogTest, AMissingOrDamagedPartIsAnErrorThatNamesIt) {
  auto log = NewLog();
  ASSERT_TRUE(AddAll(log.get(), 1, kBaseEvery).ok());
  const ManifestPart part = log->tip().parts.at(0);
  const std::string key = BuildPartKey(kNs, {part.from, part.to, part.nonce});
  ASSERT_TRUE(io::PutObject(*store_, key, io::IfPresent::kReplace, {{1, 2, 3}}).ok());
  const auto all = log->ReadAll();
  EXPECT_TRUE(absl::IsDataLoss(all.status()));
  EXPECT_THAT(std::string(all.status().message()), HasSubstr(key));
  Delete(key);
  EXPECT_TRUE(absl::IsNotFound(log->ReadAll().status()));
}

TEST_F(ManifestLogTest, WhatAnOlderStoreHasIsTakenOver) {
  ASSERT_TRUE(io::PutObject(*store_, BuildEpochKey(kNs, Epoch(1)), io::IfPresent::kFail,
                            EncodeEpochClaim(SampleClaim(1, 1)))
                  .ok());
  ASSERT_TRUE(io::PutObject(*store_, BuildEpochKey(kNs, Epoch(2)), io::IfPresent::kFail,
                            EncodeEpochClaim(SampleClaim(2, 6)))
                  .ok());
  for (const SegmentKey& key : {SampleKey(1, 5), SampleKey(6, 9), SampleKey(6, 7, 0, 2)}) {
    ASSERT_TRUE(
        io::PutObject(*store_, BuildSegmentKey(kNs, key), io::IfPresent::kFail, {{1, 2}}).ok());
  }
  auto log = NewLog();
  const auto add = [](const ManifestEdits& recent) -> absl::StatusOr<ManifestEdits> {
    EXPECT_EQ(recent.end_of(SampleLog(1)), FrameNo(7));
    EXPECT_EQ(recent.adds.size(), 3u);
    ManifestEdits edits;
    edits.adds[SampleKey(8, 8, 0, 2)] = {};
    return edits;
  };
  ASSERT_TRUE(log->Publish(add).ok());
  auto reader = NewLog();
  ASSERT_TRUE(reader->Refresh().ok());
  EXPECT_EQ(reader->tip().number, 1u);
  EXPECT_EQ(reader->tip().recent.adds.size(), 4u);
  EXPECT_EQ(reader->tip().recent.claims.size(), 2u);
  EXPECT_EQ(reader->tip().recent.end_of(SampleLog(1)), FrameNo(8));
}

// A compactor may find its own segment in the listing: with nothing to add, there are manifests
// from then on.
TEST_F(ManifestLogTest, WhatAnOlderStoreHasIsTakenOverByAnEmptyChangeToo) {
  const auto nothing = [](const ManifestEdits&) { return ManifestEdits(); };
  ASSERT_TRUE(NewLog()->Publish(nothing).ok());
  auto reader = NewLog();
  ASSERT_TRUE(reader->Refresh().ok());
  EXPECT_EQ(reader->tip().number, 0u) << "a namespace that has nothing gets nothing";
  ASSERT_TRUE(io::PutObject(*store_, BuildEpochKey(kNs, Epoch(1)), io::IfPresent::kFail,
                            EncodeEpochClaim(SampleClaim(1, 1)))
                  .ok());
  ASSERT_TRUE(
      io::PutObject(*store_, BuildSegmentKey(kNs, SampleKey(1, 5)), io::IfPresent::kFail, {{1, 2}})
          .ok());
  ASSERT_TRUE(NewLog()->Publish(nothing).ok());
  ASSERT_TRUE(reader->Refresh().ok());
  EXPECT_EQ(reader->tip().number, 1u);
  EXPECT_EQ(reader->tip().recent.adds.size(), 1u);
}

// Power is lost at every operation of a writer: a reader finds what was acknowledged, at most one
// change more, and a writer goes on from there.
TEST(ManifestLogCrash, EveryStepLeavesTheOldOrTheNewState) {
  SimulatedDisk disk;
  io::SeededRandom random(1);
  support::FakeClock clock;
  std::vector<uint64_t> acknowledged;
  {
    io::LocalObjectStore store(&disk, &random, "/store");
    ManifestLog log(&store, kNs, &clock, &random);
    for (uint64_t n = 1; n <= 4; ++n) {
      const auto make = [&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        ManifestEdits edits;
        edits.adds[SampleKey(n, n)] = {};
        return edits;
      };
      ASSERT_TRUE((n == 3 ? log.PublishWithNewParts(make) : log.Publish(make)).ok());
      acknowledged.push_back(disk.operation_count());
      ASSERT_TRUE(n % 2 == 1 || log.WriteHint().ok());
    }
  }
  support::FaultCounts counts;
  support::ImageBuilder builder(disk);
  for (uint64_t k = 0; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    for (uint64_t seed = 0; seed < 60; ++seed) {
      SCOPED_TRACE(builder.Where() + ", seed " + std::to_string(seed));
      auto image = builder.Build({.seed = seed}, &counts);
      io::LocalObjectStore store(image.get(), &random, "/store");
      ManifestLog log(&store, kNs, &clock, &random);
      ASSERT_TRUE(log.Refresh().ok());
      const uint64_t done = static_cast<uint64_t>(std::count_if(
          acknowledged.begin(), acknowledged.end(), [&](uint64_t at) { return at <= k; }));
      ASSERT_GE(log.tip().number, done);
      ASSERT_LE(log.tip().number, done + 1);
      auto all = log.ReadAll();
      ASSERT_TRUE(all.ok()) << all.status();
      ASSERT_EQ(all->adds.size(), log.tip().number);
      const uint64_t next = log.tip().number + 1;
      const auto make = [&](const ManifestEdits&) -> absl::StatusOr<ManifestEdits> {
        ManifestEdits edits;
        edits.adds[SampleKey(next, next)] = {};
        return edits;
      };
      ASSERT_TRUE(log.Publish(make).ok());
      ASSERT_EQ(log.tip().number, next);
    }
  }
  EXPECT_GT(counts.lost_rename, 0u);
}

}  // namespace
}  // namespace strata::segment
