#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/support/crash_image.h"
#include "tests/wal/ship_fixture.h"

// strata recover of a database whose store is gone: it is closed without what the store has not.
namespace strata::wal {
namespace {

using support::CrashOptions;
using support::CrashPolicy;

enum class Shipped { kNothing, kSome, kAll };

class WithoutStoreTest : public ShipTest, public testing::WithParamInterface<Shipped> {
 protected:
  // A log with version 5 of page 2 that a killed process left, of which the store has so much.
  void Leave() {
    world_.CreateDatabase(3);
    ASSERT_TRUE(world_.Open().ok());
    log_id_ = world_.log->state().identity.log_id;
    if (GetParam() == Shipped::kSome) {
      ASSERT_TRUE(world_.CommitPages({{2, 4}}, 3).ok());
      world_.Pass(kLong);
    }
    ASSERT_TRUE(world_.CommitPages({{2, 5}}, 3).ok());
    log_id_ = world_.log->state().identity.log_id;
    if (GetParam() == Shipped::kAll) world_.Pass(kLong);
    world_.Crash();
    FindBase();
    begin_ = world_.disk->operation_count();
  }

  void OpenWithoutStore() {
    world_.store = {};
    world_.options.without_store = true;
    ASSERT_TRUE(world_.Open().ok());
  }

  // On the disk of another world, where it is shipped.
  void FindBase() {
    LogWorld other(support::CrashImage(*world_.disk, world_.disk->operation_count(), kKeepAll));
    Attach(other);
    ASSERT_TRUE(other.Open().ok());
    other.Pass(kLong);
    base_ = BaseDigest(other);
    ASSERT_TRUE(base_.has_value());
  }

  // What a power cut left, opened with its store: whole, and it goes on.
  void ExpectGoesOn(std::unique_ptr<support::SimulatedDisk> disk) {
    LogWorld after(std::move(disk), 2);
    Attach(after);
    const absl::Status opened = after.Open();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ((*after.Read())[1], 5u);
    EXPECT_EQ((*after.Read())[2], 1u);
    EXPECT_TRUE(after.CommitPages({{3, 6}}, 3).ok());
    for (int round = 0; round < 3; ++round) after.Pass(kLong);
    EXPECT_EQ(after.log->stored_frame(), after.log->state().commits->visible_frame())
        << after.logger.text();
    const std::optional<uint64_t> base = BaseDigest(after);
    if (!base.has_value()) return;
    EXPECT_EQ(*base, *base_);
    ++bases_;
  }

  // The same where the power fails again while that open finishes what was cut short.
  void ExpectGoesOnAfterTwo(std::unique_ptr<support::SimulatedDisk> disk) {
    LogWorld between(std::move(disk), 3);
    Attach(between);
    const uint64_t begin = between.disk->operation_count();
    ASSERT_TRUE(between.Open().ok());
    const uint64_t end = between.disk->operation_count();
    between.Crash();
    for (uint64_t operation = begin; operation <= end && !HasFailure(); operation += 3)
      ExpectGoesOn(support::CrashImage(*between.disk, operation, {.seed = operation}));
  }

  // Of the base image of the first history, where the store has it.
  std::optional<uint64_t> BaseDigest(LogWorld& world) const {
    auto store = io::OpenStore(world.disk.get(), &world.random, world.store.url);
    const auto stored = segment::ListSegments(**store, kNamespace, log_id_);
    for (const segment::StoredSegment& each : *stored) {
      if (each.key.first != segment::FrameNo(1)) continue;
      auto source =
          io::ObjectSource::Open(store->get(), segment::BuildSegmentKey(kNamespace, each.key));
      return (*segment::SegmentReader::Open(*std::move(source), nullptr))->commits().back().digest;
    }
    return std::nullopt;
  }

  static constexpr CrashOptions kKeepAll = {.policy = CrashPolicy::kKeepAll};
  segment::LogId log_id_;         // of the first history,
  std::optional<uint64_t> base_;  // whose base image is this
  int bases_ = 0;                 // that were there and compared
  uint64_t begin_ = 0;            // the first operation of the open without the store
};

TEST_P(WithoutStoreTest, TheDatabaseBecomesAPlainFileAndBeginsAnew) {
  ASSERT_NO_FATAL_FAILURE(Leave());
  ASSERT_NO_FATAL_FAILURE(OpenWithoutStore());
  ASSERT_TRUE(world_.Close().ok());
  EXPECT_THAT(*world_.disk->List("/"), testing::Not(testing::Contains("app.db-wal")));
  world_.options.without_store = false;
  Attach(world_);
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_EQ((*world_.Read())[1], 5u);
  ASSERT_TRUE(world_.CommitPages({{3, 6}}, 3).ok());
  world_.Pass(kLong);
  EXPECT_EQ(world_.log->stored_frame(), world_.log->state().commits->visible_frame());
  EXPECT_TRUE(world_.CommitPages({{3, 7}}, 3).ok());
  const bool goes_on = world_.log->state().identity.log_id == log_id_;
  EXPECT_EQ(goes_on, GetParam() == Shipped::kAll);
  const bool is_told =
      absl::StrContains(world_.logger.text(), "left its store, which has it up to");
  EXPECT_EQ(is_told, !goes_on) << world_.logger.text();
}

TEST_P(WithoutStoreTest, CutShortAtAnyOperationItLosesNothing) {
  ASSERT_NO_FATAL_FAILURE(Leave());
  ASSERT_NO_FATAL_FAILURE(OpenWithoutStore());
  ASSERT_TRUE(world_.Close().ok());
  const uint64_t end = world_.disk->operation_count();
  std::vector<CrashOptions> crashes = {{.policy = CrashPolicy::kDropUnsynced}, kKeepAll};
  for (uint64_t seed = 1; seed <= 10; ++seed) crashes.push_back({.seed = seed});
  for (uint64_t operation = begin_; operation <= end && !HasFailure(); ++operation) {
    for (const CrashOptions& crash : crashes) {
      SCOPED_TRACE(testing::Message() << "operation " << operation << " seed " << crash.seed);
      ExpectGoesOn(support::CrashImage(*world_.disk, operation, crash));
    }
    SCOPED_TRACE(testing::Message() << "operation " << operation << " and another");
    ExpectGoesOnAfterTwo(support::CrashImage(*world_.disk, operation, kKeepAll));
  }
  EXPECT_GT(bases_, 100);
}

// Who reads keeps who writes from finishing it, and hears of what is there.
TEST_P(WithoutStoreTest, BesideAReaderItIsNotFinished) {
  ASSERT_NO_FATAL_FAILURE(Leave());
  ASSERT_NO_FATAL_FAILURE(OpenWithoutStore());
  world_.Crash();  // before anything went into the database file
  world_.options.without_store = false;
  Attach(world_);
  world_.read_only = true;
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_EQ((*world_.Read())[1], 5u);
  const std::shared_ptr<Log> reader = world_.log;
  world_.read_only = false;
  for (const StoreAddress& store : {world_.store, StoreAddress{}}) {
    world_.store = store;
    const absl::Status refused = world_.TryOpen().status();
    EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("is leaving its store"));
  }
}

TEST_P(WithoutStoreTest, AnIdentityThatCannotBeReadIsNoAnswer) {
  ASSERT_NO_FATAL_FAILURE(Leave());
  ASSERT_NO_FATAL_FAILURE(OpenWithoutStore());
  world_.Crash();
  world_.options.without_store = false;
  auto file = world_.disk->Open("/app.db-strata", io::OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok() && (*file)->Truncate(10).ok());
  for (const StoreAddress& store : {world_.store, StoreAddress{}}) {
    world_.store = store;
    EXPECT_TRUE(absl::IsDataLoss(world_.TryOpen().status()));
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, WithoutStoreTest,
                         testing::Values(Shipped::kNothing, Shipped::kSome, Shipped::kAll));

}  // namespace
}  // namespace strata::wal
