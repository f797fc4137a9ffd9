// A store in a directory keeps its promises through power loss at every operation.
#include <gtest/gtest.h>

#include "io/local_object_store.h"
#include "tests/support/crash_image.h"
#include "tests/support/disk_helpers.h"

namespace strata::io {
namespace {

using support::Bytes;
using support::CrashOptions;
using support::DamageModel;
using support::FaultCounts;
using support::ImageBuilder;
using support::SimulatedDisk;

constexpr uint64_t kSeeds = 100;

std::vector<uint8_t> Content(int object) {
  return Bytes(3000 + object, static_cast<uint8_t>(object + 1));
}
std::string Key(int object) {
  return "ns" + std::to_string(object % 2) + "/deep/k" + std::to_string(object);
}

TEST(ObjectStoreCrash, AcknowledgedObjectsSurviveAndNoneIsHalf) {
  constexpr int kObjects = 6;
  SimulatedDisk disk;
  SeededRandom random(1);
  LocalObjectStore store(&disk, &random, "/store");
  std::vector<uint64_t> acknowledged;
  for (int object = 0; object < kObjects; ++object) {
    ASSERT_TRUE(PutObject(store, Key(object), IfPresent::kFail, Content(object)).ok());
    acknowledged.push_back(disk.operation_count());
  }
  FaultCounts counts;
  ImageBuilder builder(disk);
  for (uint64_t k = 0; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      SCOPED_TRACE(builder.Where() + ", seed " + std::to_string(seed));
      auto image =
          builder.Build({.seed = seed, .damage = DamageModel::kNoPowerSafeOverwrite}, &counts);
      LocalObjectStore recovered(image.get(), &random, "/store");
      for (int object = 0; object < kObjects; ++object) {
        const auto tail = recovered.GetTail(Key(object), 10000);
        if (tail.ok()) {
          ASSERT_EQ(tail->bytes, Content(object));
        } else {
          ASSERT_TRUE(absl::IsNotFound(tail.status())) << tail.status();
          ASSERT_LT(k, acknowledged[object]) << "lost object " << object;
        }
      }
      const size_t leftovers = recovered.RemoveLeftovers("").value();
      ASSERT_LE(leftovers, 1u);
    }
  }
  EXPECT_GT(counts.lost_create, 0u);
  EXPECT_GT(counts.lost_rename, 0u);
  EXPECT_GT(counts.lost_write, 0u);
}

TEST(ObjectStoreCrash, AReplacedObjectIsTheOldOrTheNewOne) {
  SimulatedDisk disk;
  SeededRandom random(1);
  LocalObjectStore store(&disk, &random, "/store");
  ASSERT_TRUE(PutObject(store, "k", IfPresent::kFail, Content(0)).ok());
  const uint64_t first = disk.operation_count();
  ASSERT_TRUE(PutObject(store, "k", IfPresent::kReplace, Content(1)).ok());
  ImageBuilder builder(disk);
  bool seen[2] = {false, false};
  for (uint64_t k = first; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      auto image = builder.Build({.seed = seed});
      LocalObjectStore recovered(image.get(), &random, "/store");
      const auto tail = recovered.GetTail("k", 10000);
      ASSERT_TRUE(tail.ok()) << builder.Where() << ", seed " << seed << ": " << tail.status();
      const bool is_new = tail->bytes == Content(1);
      ASSERT_TRUE(is_new || tail->bytes == Content(0)) << builder.Where() << ", seed " << seed;
      ASSERT_TRUE(is_new || k < builder.operation_count());
      seen[is_new] = true;
    }
  }
  EXPECT_TRUE(seen[0] && seen[1]);
}

TEST(ObjectStoreCrash, AnUploadThatFailsAtAnyCallIsAnErrorAndCanBeRepeated) {
  const auto put = [](SimulatedDisk& disk) {
    SeededRandom random(1);
    LocalObjectStore store(&disk, &random, "/store");
    return PutObject(store, "ns/k", IfPresent::kReplace, Content(0));
  };
  SimulatedDisk healthy;
  ASSERT_TRUE(put(healthy).ok());
  for (uint64_t n = 0; n < healthy.call_count(); ++n) {
    SimulatedDisk disk;
    disk.FailOperation({.nth = n});
    EXPECT_FALSE(put(disk).ok()) << "call " << n;
    EXPECT_EQ(disk.faults_fired(), 1u);
    EXPECT_TRUE(put(disk).ok()) << "call " << n;
    auto image = support::CrashImage(disk, disk.operation_count(),
                                     {.policy = support::CrashPolicy::kDropUnsynced});
    EXPECT_EQ(support::ReadAll(*image, "/store/ns/k"), Content(0)) << "call " << n;
  }
}

}  // namespace
}  // namespace strata::io
