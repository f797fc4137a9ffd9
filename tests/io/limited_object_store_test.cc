#include "io/limited_object_store.h"

#include <gtest/gtest.h>

#include "io/local_object_store.h"
#include "tests/io/object_store_suite.h"
#include "tests/support/fake_clock.h"
#include "tests/support/simulated_disk.h"

namespace strata::io {
namespace {

// Sleeps by moving the clock.
class ClockSleeper : public Sleeper {
 public:
  explicit ClockSleeper(support::FakeClock* clock) : clock_(*clock) {}
  void Sleep(int64_t micros) override { clock_.Advance(micros); }
  void Wake() override {}

 private:
  support::FakeClock& clock_;
};

class LimitedStoreUnderTest : public StoreUnderTest {
 public:
  explicit LimitedStoreUnderTest(const StoreLimits& limits)
      : store_(std::make_unique<LocalObjectStore>(&disk_, &random_, "/store"), limits, &clock_,
               &sleeper_) {}
  ObjectStore& store() override { return store_; }
  int64_t now_us() { return clock_.MonotonicMicros(); }

 private:
  support::SimulatedDisk disk_;
  SeededRandom random_{1};
  support::FakeClock clock_;
  ClockSleeper sleeper_{&clock_};
  LimitedObjectStore store_;
};

INSTANTIATE_TEST_SUITE_P(
    Limited, ObjectStoreSuite,
    testing::Values(StoreKind{
        "Limited",
        [] {
          return std::make_unique<LimitedStoreUnderTest>(StoreLimits{100, 1 << 20});
        }}),
    StoreKindName);

TEST(LimitedObjectStoreTest, RequestsKeepTheirRate) {
  LimitedStoreUnderTest under_test({10, 0});
  const int64_t began = under_test.now_us();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(under_test.store().List("", "", 10).ok());
  EXPECT_NEAR(static_cast<double>(under_test.now_us() - began), 9e6, 1e5);
}

TEST(LimitedObjectStoreTest, BytesOfBothDirectionsKeepTheirRate) {
  LimitedStoreUnderTest under_test({0, 1'000'000});
  const int64_t began = under_test.now_us();
  const std::vector<uint8_t> bytes(500'000, 7);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(PutObject(under_test.store(), "a/b", IfPresent::kReplace, bytes).ok());
    ASSERT_EQ(under_test.store().GetRange("a/b", 0, bytes.size())->size(), bytes.size());
  }
  EXPECT_NEAR(static_cast<double>(under_test.now_us() - began), 3e6, 1e5);
}

TEST(LimitedObjectStoreTest, WithoutLimitsNobodyWaits) {
  LimitedStoreUnderTest under_test({});
  const int64_t began = under_test.now_us();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(under_test.store().List("", "", 10).ok());
  EXPECT_EQ(under_test.now_us(), began);
}

}  // namespace
}  // namespace strata::io
