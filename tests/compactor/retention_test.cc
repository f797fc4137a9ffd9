#include "compactor/retention.h"

#include <algorithm>
#include <random>
#include <utility>

#include "compactor/timeline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "segment/manifest_log.h"
#include "tests/compactor/meddling_store.h"
#include "tests/compactor/store_fixture.h"
#include "tests/support/fake_clock.h"

namespace strata::compactor {
namespace {

using segment::FrameNo;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

RetentionPolicy Policy(const std::string& text) {
  auto policy = ParseRetentionPolicy(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value_or(RetentionPolicy());
}

TEST(RetentionPolicy, ReadsWhatItPrints) {
  const RetentionPolicy policy = Policy(" all:24h,1m:7d , 1h:30d,1d:1y");
  EXPECT_EQ(policy.tiers.size(), 4u);
  EXPECT_EQ(policy.tiers[1], (RetentionTier{60 * kSecond, 7 * kDay}));
  EXPECT_EQ(ToString(policy), "all:1d, 1m:1w, 1h:30d, 1d:1y");
  EXPECT_EQ(Policy(ToString(policy)), policy);
}

TEST(RetentionPolicy, WhatCannotBeMetOrReadIsRefused) {
  for (const char* text : {"", "all", "all:", "24h", "all:24", "all:0h", "all:-1h", "1h:30m",
                           "1m:7d, all:1y", "all:24h, 1m:24h", "all:24h, 1m:7d, 1m:8d",
                           "all:24h,,1m:7d", "all:2000y", "x:1h", "all:99999999999999999999h"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseRetentionPolicy(text).status())) << text;
  }
}

TEST(PromisedCommits, AreTheLastOfTheirWindowWhileTheyAreYoungEnough) {
  const CommitTimes commits = {{FrameNo(1), 10 * kSecond},
                               {FrameNo(2), 59 * kSecond},
                               {FrameNo(3), 61 * kSecond},
                               {FrameNo(4), 300 * kSecond}};
  EXPECT_EQ(PromisedCommits(commits, Policy("1m:1h"), 400 * kSecond),
            (std::set<FrameNo>{FrameNo(2), FrameNo(3), FrameNo(4)}));
  EXPECT_EQ(PromisedCommits(commits, Policy("all:5m"), 320 * kSecond),
            (std::set<FrameNo>{FrameNo(2), FrameNo(3), FrameNo(4)}));
  EXPECT_EQ(PromisedCommits(commits, Policy("all:5m"), 100'000 * kSecond), std::set<FrameNo>());
  EXPECT_EQ(PromisedCommits(commits, RetentionPolicy(), 100'000 * kSecond).size(), 4u);
}

// The obvious twin: every set of frames that whole segments can reach, and then one cut.
bool IsRestorable(const std::vector<GraphSegment>& segments, const std::vector<bool>& chosen,
                  uint64_t frame) {
  uint64_t reached = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < segments.size(); ++i) {
      const GraphSegment& s = segments[i];
      if (!chosen[i] || s.last.value() > frame || s.first.value() > reached + 1) continue;
      if (s.last.value() > reached) {
        reached = s.last.value();
        moved = true;
      }
    }
  }
  if (reached == frame) return true;
  for (size_t i = 0; i < segments.size(); ++i) {
    const GraphSegment& s = segments[i];
    if (chosen[i] && s.divisible && s.first.value() <= reached + 1 && s.last.value() >= frame) {
      return true;
    }
  }
  return false;
}

// A log of commits that is sealed in pieces and merged at random, and loses what retention lets go.
class RandomLog {
 public:
  explicit RandomLog(uint64_t seed) : random_(seed) {}

  void Grow() {
    const uint64_t commits = 1 + random_() % 4;
    const FrameNo first(end_ + 1);
    for (uint64_t i = 0; i < commits; ++i) {
      end_ += 1 + random_() % 3;
      now_us_ += static_cast<int64_t>(random_() % (20 * 60)) * kSecond;
      times_[FrameNo(end_)] = now_us_;
    }
    segments_.push_back({first, FrameNo(end_), 100 + random_() % 1000, true, 0});
  }

  // A merged segment over any run that starts and ends where segments do.
  void Merge() {
    const GraphSegment a = segments_[random_() % segments_.size()];
    const GraphSegment b = segments_[random_() % segments_.size()];
    if (a.first > b.last) return;
    const std::vector<bool> all(segments_.size(), true);
    if (!IsRestorable(segments_, all, b.last.value())) return;
    segments_.push_back({a.first, b.last, 50 + random_() % 1000, false, 0});
  }

  CommitTimes Restorable() const {
    CommitTimes commits;
    for (const auto& [frame, time_us] : times_) {
      bool ends = false;
      for (const GraphSegment& s : segments_) {
        ends |= s.last == frame || (s.divisible && s.first <= frame && frame <= s.last);
      }
      const std::vector<bool> all(segments_.size(), true);
      if (ends && IsRestorable(segments_, all, frame.value())) commits[frame] = time_us;
    }
    return commits;
  }

  void Keep(const std::vector<bool>& kept) {
    std::vector<GraphSegment> rest;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i]) rest.push_back(segments_[i]);
    }
    segments_ = rest;
  }

  std::mt19937_64 random_;
  std::vector<GraphSegment> segments_;
  std::map<FrameNo, int64_t> times_;
  uint64_t end_ = 0;
  int64_t now_us_ = 1'700'000'000 * kSecond;
};

// What a policy promised and still promises can be restored, through any number of runs, merges and
// new commits in between; and something does go.
TEST(RetentionPlan, NoPromisedCommitIsEverLost) {
  const uint64_t base_seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "base seed " << base_seed);
  size_t dropped = 0;
  for (uint64_t round = 0; round < 300; ++round) {
    RandomLog log(base_seed + round);
    const RetentionPolicy policy =
        Policy(round % 2 == 0 ? "all:1h, 10m:6h, 1h:2d" : "30m:4h, 3h:1w");
    std::set<FrameNo> promised_before;
    for (int step = 0; step < 12; ++step) {
      log.Grow();
      for (uint64_t n = log.random_() % 3; n > 0; --n) log.Merge();
      const CommitTimes commits = log.Restorable();
      std::set<FrameNo> promised = PromisedCommits(commits, policy, log.now_us_);
      promised.insert(FrameNo(log.end_));
      // A promise is kept until it is too old for its tier, or a later commit took its window: then
      // the policy does not name it any more. It never goes because it could not be restored.
      for (FrameNo frame : promised_before) {
        ASSERT_TRUE(commits.contains(frame)) << "round " << round << ", frame " << frame.value();
      }
      auto kept = SegmentsToKeep(log.segments_, promised);
      ASSERT_TRUE(kept.ok()) << kept.status();
      for (FrameNo frame : promised) {
        ASSERT_TRUE(IsRestorable(log.segments_, *kept, frame.value()))
            << "round " << round << ", frame " << frame.value();
      }
      ASSERT_THAT(NotRestorable(log.segments_, *kept, promised), IsEmpty());
      dropped += static_cast<size_t>(std::count(kept->begin(), kept->end(), false));
      log.Keep(*kept);
      promised_before = promised;
    }
  }
  EXPECT_GT(dropped, 300u);
}

TEST(RetentionPlan, NotRestorableAgreesWithBruteForce) {
  const uint64_t base_seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "base seed " << base_seed);
  for (uint64_t round = 0; round < 20'000; ++round) {
    std::mt19937_64 random(base_seed + round);
    std::vector<GraphSegment> segments;
    std::vector<bool> chosen;
    std::set<FrameNo> wanted;
    for (uint64_t n = random() % 7; n > 0; --n) {
      const uint64_t first = 1 + random() % 12;
      segments.push_back(
          {FrameNo(first), FrameNo(first + random() % 6), random() % 100, random() % 2 == 0, 0});
      chosen.push_back(random() % 4 != 0);
    }
    for (uint64_t frame = 1; frame <= 18; ++frame) wanted.insert(FrameNo(frame));
    const std::set<FrameNo> missing = NotRestorable(segments, chosen, wanted);
    for (FrameNo frame : wanted) {
      ASSERT_EQ(missing.contains(frame), !IsRestorable(segments, chosen, frame.value()))
          << "round " << round << ", frame " << frame.value();
    }
  }
}

// The commits that the timeline tells of are those that can be restored.
TEST(Timeline, TellsOfAllThatCanBeRestored) {
  const uint64_t base_seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "base seed " << base_seed);
  for (uint64_t round = 0; round < 500; ++round) {
    RandomLog log(base_seed + round);
    for (int step = 0; step < 5; ++step) {
      log.Grow();
      for (uint64_t n = log.random_() % 3; n > 0; --n) log.Merge();
    }
    std::vector<bool> kept(log.segments_.size(), true);
    for (size_t i = 0; i < kept.size(); ++i) kept[i] = log.random_() % 3 != 0;
    log.Keep(kept);
    LogHistory history;
    for (const GraphSegment& s : log.segments_) {
      CountedSegment counted;
      counted.key = {{}, s.first, s.last, segment::Epoch(1), s.divisible ? uint8_t{0} : uint8_t{1}};
      counted.upto = s.last;
      history.segments.push_back(counted);
    }
    std::sort(history.segments.begin(), history.segments.end(),
              [](auto& a, auto& b) { return a.key < b.key; });
    std::set<FrameNo> told;
    FrameNo last;
    for (const TimelinePiece& piece : TimelineOf(history, FrameNo(1000))) {
      ASSERT_LE(last, piece.before);
      last = piece.upto;
      const CountedSegment& s = history.segments[piece.segment];
      for (const auto& [frame, time_us] : log.times_) {
        const bool in_piece = frame > piece.before && frame <= piece.upto;
        if (in_piece && (s.is_sealed() || frame == piece.upto)) told.insert(frame);
      }
    }
    std::set<FrameNo> wanted;
    for (const auto& [frame, time_us] : log.Restorable()) wanted.insert(frame);
    ASSERT_EQ(told, wanted) << "round " << round;
  }
}

class RetentionTest : public StoreFixture {
 protected:
  RetentionWorld World() { return {&store(), &clock_, &io::SystemRandom(), "app"}; }

  // A commit an hour, each its own segment, the last one now.
  void FillHours(ModelLog* log, int hours) {
    log->Claim(1, 1);
    log->StartManifests();
    for (int i = 0; i < hours; ++i) {
      log->set_time_us(clock_.NowMicros() - (hours - i) * kHour);
      log->Commit({{1 + static_cast<uint32_t>(i) % 3, log->Page(static_cast<uint64_t>(i))}}, 3);
      log->ShipSealed();
    }
  }

  bool CanRestore(const ModelLog& log, uint64_t frame) {
    auto restored = RestoredAt(frame);
    return restored.ok() && *restored == log.StateAt(frame)->Bytes();
  }

  absl::Status Publish(const segment::ManifestEdits& edits) {
    segment::ManifestLog manifests(&store(), "app", &clock_, &io::SystemRandom());
    return manifests.Publish([&](const segment::ManifestEdits&) { return edits; });
  }

  std::string ObjectOf(const segment::SegmentKey& key) {
    return segment::BuildSegmentKey("app", key);
  }

  // Others' changes are made by the machine's clock.
  support::FakeClock clock_{io::SystemClock().NowMicros() + kHour};
};

TEST_F(RetentionTest, MarksFirstAndDeletesAfterTheGracePeriod) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 20);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:5h").ok());
  auto report = ApplyRetention(World(), kDay);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->expired, IsEmpty());
  EXPECT_EQ(report->logs.at(0).commits, 20u);
  const size_t marked = report->unneeded.size();
  EXPECT_EQ(LoadHistory(store(), "app")->marked.size(), marked);
  for (const auto& each : report->unneeded) {
    EXPECT_TRUE(store().GetTail(segment::BuildSegmentKey("app", each.key), 0).ok());
  }
  clock_.Advance(kDay);
  report = ApplyRetention(World(), kDay);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->expired, SizeIs(marked));
  for (const auto& each : report->expired) {
    EXPECT_TRUE(
        absl::IsNotFound(store().GetTail(segment::BuildSegmentKey("app", each.key), 0).status()));
  }
  EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
}

TEST_F(RetentionTest, TheLatestCommitStaysHoweverOld) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 3);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  clock_.Advance(1000 * kDay);
  for (int i = 0; i < 3; ++i, clock_.Advance(2 * kDay)) {
    ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
    EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
  }
}

TEST_F(RetentionTest, APinnedCommitStays) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 10);
  auto history = LoadHistory(store(), "app");
  BlockCache cache;
  RestoreTarget wanted;
  wanted.frame = FrameNo(4);
  auto target = ResolveTarget(&store(), &cache, *history, wanted);
  ASSERT_TRUE(target.ok()) << target.status();
  ASSERT_TRUE(AddPin(World(), "before-migration", *target).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(AddPin(World(), "before-migration", *target)));
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  for (int i = 0; i < 3; ++i, clock_.Advance(2 * kDay)) {
    ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
    EXPECT_TRUE(CanRestore(log, 4));
  }
  ASSERT_TRUE(RemovePin(World(), "before-migration").ok());
  EXPECT_TRUE(absl::IsNotFound(RemovePin(World(), "before-migration")));
  auto report = ApplyRetention(World(), kDay);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->unneeded, SizeIs(4));
  EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
}

TEST_F(RetentionTest, WithoutAPolicyNothingGoes) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 3);
  EXPECT_TRUE(absl::IsFailedPrecondition(ApplyRetention(World(), kDay).status()));
  const auto refused = SetRetention(World(), "1h:10m");
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("cannot be met"));
}

// The manifest's change is lost, or the run is killed between deleting and forgetting.
TEST_F(RetentionTest, ARunCutShortIsFinishedByTheNext) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 20);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
  const auto marked = LoadHistory(store(), "app")->marked;
  ASSERT_FALSE(marked.empty());
  ASSERT_TRUE(store().Delete(segment::BuildSegmentKey("app", marked.begin()->first)).ok());
  clock_.Advance(kDay);
  ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
  EXPECT_THAT(LoadHistory(store(), "app")->marked, IsEmpty());
  EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
}

// Behind a gap nothing can be restored, and so nothing there would be needed.
TEST_F(RetentionTest, AHistoryWithAGapIsLeftAlone) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 10);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  segment::ManifestEdits gap;
  const auto history = LoadHistory(store(), "app");
  const CountedSegment& lost = history->live()->segments.at(3);
  gap.marks[lost.key] = {lost.size, clock_.NowMicros()};
  ASSERT_TRUE(Publish(gap).ok());
  const auto refused = ApplyRetention(World(), kDay).status();
  EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("frame 4 is in no segment"));
  EXPECT_THAT(LoadHistory(store(), "app")->marked, SizeIs(1));

  auto taken = TakeBackMarks(World());
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(*taken, SizeIs(1));
  EXPECT_THAT(LoadHistory(store(), "app")->marked, IsEmpty());
  EXPECT_TRUE(CanRestore(log, 4));
  EXPECT_TRUE(ApplyRetention(World(), kDay).ok());
  EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
}

// A claim inside a merged segment, which cannot be cut: nothing counts any more, up to a frame that
// the manifest knows of.
TEST_F(RetentionTest, AHistoryWhoseEndIsGoneIsLeftAlone) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 4);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  segment::ManifestEdits edits;
  const auto history = LoadHistory(store(), "app");
  for (const CountedSegment& each : history->live()->segments) {
    if (each.is_sealed()) edits.forgets.insert(each.key);
  }
  segment::EpochClaim claim;
  claim.log_id = log.log_id();
  claim.epoch = segment::Epoch(2);
  claim.first_frame = FrameNo(3);
  claim.page_size = 512;
  edits.claims[claim.epoch] = claim;
  ASSERT_TRUE(Publish(edits).ok());
  EXPECT_TRUE(absl::IsDataLoss(ApplyRetention(World(), kDay).status()));
  EXPECT_THAT(LoadHistory(store(), "app")->marked, IsEmpty());
}

// Two runs of retention and a compactor: what the slower run saw marked was forgotten and made
// anew.
TEST_F(RetentionTest, ASlowRunForgetsNothingThatWasMadeAnew) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 4);
  ASSERT_TRUE(SetRetention(World(), "all:1w").ok());
  const segment::SegmentKey name{log.log_id(), FrameNo(1), FrameNo(2), segment::Epoch(1), 1};
  segment::ManifestEdits mark;
  mark.marks[name] = {100, clock_.NowMicros() - 2 * kDay};
  ASSERT_TRUE(Publish(mark).ok());
  MeddlingStore meddling(&store());
  int deletions = 0;
  meddling.after_delete = [&](const std::string& key) {
    if (key != ObjectOf(name) || deletions++ != 0) return;
    segment::ManifestEdits made;
    made.adds[name] = {100, 0, 1, clock_.NowMicros(), clock_.NowMicros()};
    ASSERT_TRUE(Publish(made).ok());
  };
  RetentionWorld world = World();
  world.store = &meddling;
  ASSERT_TRUE(ApplyRetention(world, kDay).ok());
  EXPECT_EQ(deletions, 1);
  const auto history = LoadHistory(store(), "app");
  EXPECT_FALSE(history->marked.contains(name));
  const auto& segments = history->live()->segments;
  EXPECT_TRUE(std::any_of(segments.begin(), segments.end(),
                          [&](const CountedSegment& each) { return each.key == name; }));
}

// The plan holds while others add to the namespace, and is made anew when they pin.
TEST_F(RetentionTest, APinMadeBetweenPlanAndMarkIsKept) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 10);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  MeddlingStore meddling(&store());
  int changes = 0;
  meddling.before_put = [&](const std::string& key) {
    if (key.find("/manifests/0") == std::string::npos || changes++ != 0) return;
    segment::ManifestEdits pin;
    pin.pins["late"] = segment::Pin{log.log_id(), FrameNo(4), 1, 1};
    ASSERT_TRUE(Publish(pin).ok());
  };
  RetentionWorld world = World();
  world.store = &meddling;
  auto report = ApplyRetention(world, kDay);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(changes, 2);
  EXPECT_THAT(LoadHistory(store(), "app")->marked, SizeIs(report->unneeded.size()));
  EXPECT_TRUE(CanRestore(log, 4));
}

TEST_F(RetentionTest, ManyMarksAreMadeInSeveralChanges) {
  constexpr uint64_t kSegments = 25'000;
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.StartManifests();
  segment::ManifestEdits many;
  const segment::SegmentFacts facts{100, 0, 1, clock_.NowMicros() - kDay,
                                    clock_.NowMicros() - kDay};
  for (uint64_t frame = 1; frame <= kSegments; ++frame) {
    many.adds[{log.log_id(), FrameNo(frame), FrameNo(frame), segment::Epoch(1), 0}] = facts;
  }
  many.adds[{log.log_id(), FrameNo(1), FrameNo(kSegments), segment::Epoch(1), 1}] = facts;
  ASSERT_TRUE(Publish(many).ok());
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  const uint64_t before = LoadHistory(store(), "app")->manifest;
  auto report = ApplyRetention(World(), kDay);
  ASSERT_TRUE(report.ok()) << report.status();
  const auto history = LoadHistory(store(), "app");
  EXPECT_EQ(history->manifest, before + 3);
  EXPECT_EQ(history->marked.size() + history->live()->segments.size(), kSegments + 1);
  EXPECT_THAT(history->marked, SizeIs(report->unneeded.size()));
  EXPECT_GT(report->unneeded.size(), 20'000u);
}

// The result of a merge is there, whether it could be read back or not.
TEST_F(RetentionTest, AMergeThatCannotBeReadBackIsNotDeleted) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 4);
  auto history = LoadHistory(store(), "app");
  auto plans = PlanCompactions(*history, *history->live(), Strategy::kAll);
  ASSERT_TRUE(plans.ok()) << plans.status();
  MeddlingStore meddling(&store());
  meddling.on_range = [&](const std::string& key) {
    const bool fails = key == ObjectOf(plans->front().output);
    return fails ? absl::UnavailableError("slow down") : absl::OkStatus();
  };
  BlockCache cache;
  auto result = Compact(&meddling, &cache, &io::SystemClock(), &io::SystemRandom(), *history,
                        *history->live(), plans->front(), {});
  EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
  EXPECT_TRUE(store().GetTail(ObjectOf(plans->front().output), 0).ok());
  EXPECT_EQ(*CompactOnce(Strategy::kAll), 1u);
  EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
}

// And one that another compactor found good counts, whatever this one read of it.
TEST_F(RetentionTest, ADamagedReadOfAMergeThatCountsDeletesNothing) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 4);
  auto history = LoadHistory(store(), "app");
  auto plans = PlanCompactions(*history, *history->live(), Strategy::kAll);
  ASSERT_TRUE(plans.ok()) << plans.status();
  MeddlingStore meddling(&store());
  bool first = true;
  meddling.on_range = [&](const std::string& key) {
    if (key != ObjectOf(plans->front().output)) return absl::OkStatus();
    if (std::exchange(first, false)) EXPECT_EQ(*CompactOnce(Strategy::kAll), 1u);
    return absl::DataLossError("damaged on the way");
  };
  BlockCache cache;
  auto result = Compact(&meddling, &cache, &io::SystemClock(), &io::SystemRandom(), *history,
                        *history->live(), plans->front(), {});
  EXPECT_TRUE(absl::IsDataLoss(result.status())) << result.status();
  EXPECT_TRUE(store().GetTail(ObjectOf(plans->front().output), 0).ok());
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
}

TEST_F(RetentionTest, TheNameOfADeletedMergeIsNotMadeAnewAtOnce) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 4);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:1d").ok());
  segment::SegmentKey merged;
  const auto history = LoadHistory(store(), "app");
  for (const CountedSegment& each : history->live()->segments) {
    if (!each.is_sealed()) merged = each.key;
  }
  segment::ManifestEdits mark;
  mark.marks[merged] = {100, clock_.NowMicros()};
  ASSERT_TRUE(Publish(mark).ok());
  clock_.Advance(kDay);
  ASSERT_TRUE(SetRetention(World(), "all:2d").ok());
  ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
  EXPECT_TRUE(absl::IsNotFound(store().GetTail(ObjectOf(merged), 0).status()));
  // The name stays, so that no compactor makes it anew while another run may be deleting it.
  auto marked = LoadHistory(store(), "app")->marked;
  ASSERT_TRUE(marked.contains(merged));
  EXPECT_TRUE(marked.at(merged).is_deleted());
  EXPECT_EQ(*CompactOnce(Strategy::kAll), 0u);
  clock_.Advance(kNameStaysUs - kDay);
  ASSERT_TRUE(SetRetention(World(), "all:2w").ok());
  ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
  EXPECT_TRUE(LoadHistory(store(), "app")->marked.contains(merged));
  clock_.Advance(kDay);
  ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
  EXPECT_FALSE(LoadHistory(store(), "app")->marked.contains(merged));
  EXPECT_EQ(*CompactOnce(Strategy::kAll), 1u);
  EXPECT_TRUE(CanRestore(log, log.last_frame().value()));
}

TEST_F(RetentionTest, AClockBehindTheNewestChangeIsRefused) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 4);
  ASSERT_EQ(*CompactOnce(Strategy::kAll), 1u);
  ASSERT_TRUE(SetRetention(World(), "all:1h").ok());
  clock_.SetWall(clock_.NowMicros() - 2 * kClockToleranceUs);
  const auto refused = ApplyRetention(World(), kDay).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("clock"));
  clock_.SetWall(clock_.NowMicros() + 3 * kClockToleranceUs / 2);  // within what clocks differ by
  ASSERT_TRUE(ApplyRetention(World(), kDay).ok());
  const auto history = LoadHistory(store(), "app");
  ASSERT_FALSE(history->marked.empty());
  for (const auto& [key, mark] : history->marked) EXPECT_GT(mark.marked_us, clock_.NowMicros());
}

TEST_F(RetentionTest, ACompactorDoesNotAddWhatIsAboutToGo) {
  ModelLog log(&store(), "app", 512);
  FillHours(&log, 10);
  auto history = LoadHistory(store(), "app");
  auto plans = PlanCompactions(*history, *history->live(), Strategy::kAll);
  ASSERT_TRUE(plans.ok()) << plans.status();
  segment::ManifestLog manifests(&store(), "app", &clock_, &io::SystemRandom());
  ASSERT_TRUE(manifests
                  .Publish([&](const segment::ManifestEdits&) {
                    segment::ManifestEdits edits;
                    edits.marks[(*plans)[0].output] = {1, 1};
                    return absl::StatusOr<segment::ManifestEdits>(edits);
                  })
                  .ok());
  BlockCache cache;
  auto result = Compact(&store(), &cache, &io::SystemClock(), &io::SystemRandom(), *history,
                        *history->live(), (*plans)[0], {});
  EXPECT_TRUE(absl::IsAborted(result.status())) << result.status();
}

}  // namespace
}  // namespace strata::compactor
