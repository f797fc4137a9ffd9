#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/crash_image.h"
#include "tests/wal/ship_fixture.h"

// strata recover of a database whose store is gone: it is closed without what the store has not.
namespace strata::wal {
namespace {

using support::CrashOptions;
using support::CrashPolicy;

class WithoutStoreTest : public ShipTest {
 protected:
  // Killed before even the base was shipped: version 5 of page 2 is in the log alone.
  void OpenWithoutStore() {
    world_.CreateDatabase(3);
    ASSERT_TRUE(world_.Open().ok());
    ASSERT_TRUE(world_.CommitPages({{2, 5}}, 3).ok());
    log_id_ = world_.log->state().identity.log_id;
    world_.Crash();
    FindBase();
    begin_ = world_.disk->operation_count();
    world_.store = {};
    world_.options.without_store = true;
    ASSERT_TRUE(world_.Open().ok());
  }

  // On the disk of another world, where it is shipped.
  void FindBase() {
    LogWorld other(support::CrashImage(*world_.disk, world_.disk->operation_count(),
                                       {.policy = CrashPolicy::kKeepAll}));
    Attach(other);
    ASSERT_TRUE(other.Open().ok());
    other.Pass(kLong);
    base_ = BaseDigest(other, log_id_);
    ASSERT_TRUE(base_.has_value());
  }

  // Opened, with its store or without, the database is whole and goes on.
  void ExpectGoesOn(uint64_t operation, const CrashOptions& crash, bool without_store) {
    LogWorld after(support::CrashImage(*world_.disk, operation, crash), 2);
    Attach(after);
    after.options.without_store = without_store;
    if (without_store) after.store = {};
    const absl::Status opened = after.Open();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ((*after.Read())[1], 5u);
    EXPECT_EQ((*after.Read())[2], 1u);
    EXPECT_TRUE(after.CommitPages({{3, 6}}, 3).ok());
    for (int round = 0; round < 3; ++round) after.Pass(kLong);
    if (without_store) {
      EXPECT_TRUE(after.Close().ok());
      return;
    }
    EXPECT_EQ(after.log->stored_frame(), after.log->state().commits->visible_frame())
        << after.logger.text();
    EXPECT_EQ(BaseDigest(after, log_id_).value_or(*base_), *base_);
  }

  // Of the base image of history `log_id`, where the store has it.
  static std::optional<uint64_t> BaseDigest(LogWorld& world, const segment::LogId& log_id) {
    auto store = io::OpenStore(world.disk.get(), &world.random, world.store.url);
    const auto stored = segment::ListSegments(**store, kNamespace, log_id);
    for (const segment::StoredSegment& each : *stored) {
      if (each.key.first != segment::FrameNo(1)) continue;
      auto source =
          io::ObjectSource::Open(store->get(), segment::BuildSegmentKey(kNamespace, each.key));
      return (*segment::SegmentReader::Open(*std::move(source), nullptr))->commits().back().digest;
    }
    return std::nullopt;
  }

  segment::LogId log_id_;         // of the first history,
  std::optional<uint64_t> base_;  // whose base image is this
  uint64_t begin_ = 0;            // the first operation of the open without the store
};

TEST_F(WithoutStoreTest, TheDatabaseBecomesAPlainFileAndBeginsAnew) {
  ASSERT_NO_FATAL_FAILURE(OpenWithoutStore());
  ASSERT_TRUE(world_.Close().ok());
  EXPECT_THAT(*world_.disk->List("/"), testing::Not(testing::Contains("app.db-wal")));
  world_.options.without_store = false;
  Attach(world_);
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_EQ((*world_.Read())[1], 5u);
  ASSERT_TRUE(world_.CommitPages({{3, 6}}, 3).ok());
  world_.Pass(kLong);
  EXPECT_EQ(Shipped(), world_.log->state().commits->visible_frame());
  EXPECT_TRUE(world_.CommitPages({{3, 7}}, 3).ok());
}

TEST_F(WithoutStoreTest, ACloseCutShortAtAnyOperationLosesNothing) {
  ASSERT_NO_FATAL_FAILURE(OpenWithoutStore());
  ASSERT_TRUE(world_.Close().ok());
  const uint64_t end = world_.disk->operation_count();
  std::vector<CrashOptions> crashes = {{.policy = CrashPolicy::kDropUnsynced},
                                       {.policy = CrashPolicy::kKeepAll}};
  for (uint64_t seed = 1; seed <= 10; ++seed) crashes.push_back({.seed = seed});
  for (uint64_t operation = begin_; operation <= end && !HasFailure(); ++operation) {
    for (const CrashOptions& crash : crashes) {
      SCOPED_TRACE(testing::Message() << "operation " << operation << " seed " << crash.seed);
      ExpectGoesOn(operation, crash, false);
      ExpectGoesOn(operation, crash, true);
    }
  }
}

}  // namespace
}  // namespace strata::wal
