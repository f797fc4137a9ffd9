#include "tests/support/crash_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/disk_helpers.h"

namespace strata::support {
namespace {

constexpr uint64_t kSeeds = 400;

FaultCounts CountOverSeeds(const SimulatedDisk& disk, DamageModel damage) {
  ImageBuilder builder(disk);
  builder.AdvanceTo(builder.operation_count());
  FaultCounts counts;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    builder.Build({.seed = seed, .damage = damage}, &counts);
  }
  return counts;
}

class CrashImageTest : public testing::Test {
 protected:
  void SetUp() override {
    auto file = DurableFile(disk_, "/log", Bytes(16384, 0xAA));
    ASSERT_TRUE(file.ok()) << file.status();
    file_ = *std::move(file);
  }

  std::vector<uint8_t> LogAfter(CrashPolicy policy) {
    return ReadAll(*CrashImage(disk_, disk_.operation_count(), {.policy = policy}), "/log");
  }

  SimulatedDisk disk_;
  std::unique_ptr<io::File> file_;
};

TEST_F(CrashImageTest, SyncedBytesSurviveEverySeed) {
  ASSERT_TRUE(file_->Write(100, Bytes(5000, 0xBB)).ok());
  ASSERT_TRUE(file_->Sync().ok());
  const auto expected = disk_.Files();
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    auto image = CrashImage(disk_, disk_.operation_count(),
                            {.seed = seed, .damage = DamageModel::kNoPowerSafeOverwrite});
    ASSERT_EQ(image->Files(), expected) << "seed " << seed;
  }
}

TEST_F(CrashImageTest, UnsyncedBytesAreDroppedOrKeptByPolicy) {
  ASSERT_TRUE(file_->Write(0, Bytes(16384, 0xBB)).ok());
  EXPECT_EQ(LogAfter(CrashPolicy::kDropUnsynced), Bytes(16384, 0xAA));
  EXPECT_EQ(LogAfter(CrashPolicy::kKeepAll), Bytes(16384, 0xBB));
}

TEST_F(CrashImageTest, AnEarlierCrashPointKnowsNothingOfLaterOperations) {
  const uint64_t before = disk_.operation_count();
  ASSERT_TRUE(file_->Write(0, Bytes(16384, 0xBB)).ok());
  auto image = CrashImage(disk_, before, {.policy = CrashPolicy::kKeepAll});
  EXPECT_EQ(ReadAll(*image, "/log"), Bytes(16384, 0xAA));
}

TEST_F(CrashImageTest, EveryKindOfDataDamageFiresAndIsCounted) {
  ASSERT_TRUE(file_->Write(0, Bytes(8192, 0xBB)).ok());
  ASSERT_TRUE(file_->Write(8192, Bytes(8192, 0xCC)).ok());
  ASSERT_TRUE(file_->Write(16384, Bytes(8192, 0xDD)).ok());
  const FaultCounts counts = CountOverSeeds(disk_, DamageModel::kPowerSafeOverwrite);
  EXPECT_EQ(counts.images, kSeeds);
  EXPECT_GT(counts.lost_write, 0u);
  EXPECT_GT(counts.torn_write_512, 0u);
  EXPECT_GT(counts.torn_write_4096, 0u);
  EXPECT_GT(counts.reordered, 0u);
  EXPECT_GT(counts.garbage, 0u);
  EXPECT_EQ(counts.block_damage, 0u);
  EXPECT_EQ(counts.lost_create, 0u);
}

TEST_F(CrashImageTest, NothingIsCountedWhereNothingChanged) {
  ASSERT_TRUE(file_->Write(0, Bytes(16384, 0xAA)).ok());  // the bytes that are there already
  FaultCounts counts = CountOverSeeds(disk_, DamageModel::kPowerSafeOverwrite);
  EXPECT_EQ(counts.lost_write + counts.torn_write_512 + counts.torn_write_4096, 0u);
  EXPECT_EQ(counts.reordered, 0u);
}

TEST_F(CrashImageTest, DamageStaysInTheWrittenRangeUnderPowerSafeOverwrite) {
  ASSERT_TRUE(file_->Write(1000, Bytes(600, 0xBB)).ok());
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto bytes = ReadAll(*CrashImage(disk_, disk_.operation_count(), {.seed = seed}), "/log");
    ASSERT_EQ(bytes.size(), 16384u);
    const auto is_old = [](uint8_t byte) { return byte == 0xAA; };
    ASSERT_TRUE(std::all_of(bytes.begin(), bytes.begin() + 1000, is_old)) << "seed " << seed;
    ASSERT_TRUE(std::all_of(bytes.begin() + 1600, bytes.end(), is_old)) << "seed " << seed;
  }
}

TEST_F(CrashImageTest, DamageSpreadsToTheBlockWithoutPowerSafeOverwrite) {
  ASSERT_TRUE(file_->Write(5000, Bytes(600, 0xBB)).ok());
  uint64_t spread = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const CrashOptions options = {.seed = seed, .damage = DamageModel::kNoPowerSafeOverwrite};
    const auto bytes = ReadAll(*CrashImage(disk_, disk_.operation_count(), options), "/log");
    spread += bytes[4096] != 0xAA || bytes[8191] != 0xAA;
    ASSERT_EQ(bytes[4095], 0xAA) << "seed " << seed;
    ASSERT_EQ(bytes[8192], 0xAA) << "seed " << seed;
  }
  EXPECT_GT(spread, 0u);
  EXPECT_GT(CountOverSeeds(disk_, DamageModel::kNoPowerSafeOverwrite).block_damage, 0u);
}

TEST_F(CrashImageTest, TearsFollowSectors) {
  ASSERT_TRUE(file_->Write(0, Bytes(16384, 0xBB)).ok());
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    FaultCounts counts;
    const auto bytes =
        ReadAll(*CrashImage(disk_, disk_.operation_count(), {.seed = seed}, &counts), "/log");
    if (counts.torn_write_4096 + counts.torn_write_512 == 0) continue;
    const size_t unit = counts.torn_write_512 > 0 ? 512 : 4096;
    for (size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(bytes[i], bytes[i - i % unit]) << "seed " << seed << " at " << i;
    }
  }
}

TEST_F(CrashImageTest, TruncateIsLostOrKeptUntilTheFileIsSynced) {
  ASSERT_TRUE(file_->Truncate(100).ok());
  EXPECT_EQ(LogAfter(CrashPolicy::kDropUnsynced).size(), 16384u);
  EXPECT_EQ(LogAfter(CrashPolicy::kKeepAll).size(), 100u);
  EXPECT_GT(CountOverSeeds(disk_, DamageModel::kPowerSafeOverwrite).lost_truncate, 0u);
  ASSERT_TRUE(file_->Sync().ok());
  EXPECT_EQ(LogAfter(CrashPolicy::kDropUnsynced).size(), 100u);
}

TEST_F(CrashImageTest, ALostAppendMayLeaveItsLengthAsZeros) {
  ASSERT_TRUE(file_->Write(16384, Bytes(4096, 0xBB)).ok());
  bool zeros = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto bytes = ReadAll(*CrashImage(disk_, disk_.operation_count(), {.seed = seed}), "/log");
    zeros = zeros ||
            (bytes.size() == 20480 && std::count(bytes.begin() + 16384, bytes.end(), 0) == 4096);
  }
  EXPECT_TRUE(zeros);
}

TEST_F(CrashImageTest, TheSameSeedGivesTheSameImage) {
  for (int i = 0; i < 20; ++i) {
    auto file = disk_.Open("/file" + std::to_string(i), io::OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write(0, Bytes(3000, static_cast<uint8_t>(i))).ok());
  }
  bool seeds_differ = false;
  const auto first = CrashImage(disk_, disk_.operation_count(), {.seed = 0})->Files();
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto once = CrashImage(disk_, disk_.operation_count(), {.seed = seed})->Files();
    const auto again = CrashImage(disk_, disk_.operation_count(), {.seed = seed})->Files();
    ASSERT_EQ(once, again) << "seed " << seed;
    seeds_differ = seeds_differ || once != first;
  }
  EXPECT_TRUE(seeds_differ);
}

TEST_F(CrashImageTest, ACursorThatBuiltImagesOnTheWayGivesTheSameAsReplay) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(file_->Write(i * 700, Bytes(900, static_cast<uint8_t>(i))).ok());
    if (i % 7 == 3) {
      ASSERT_TRUE(file_->Sync().ok());
    }
    if (i % 11 == 5) {
      ASSERT_TRUE(file_->Truncate(i * 600).ok());
    }
  }
  ImageBuilder builder(disk_);
  for (uint64_t k = 0; k <= builder.operation_count(); ++k) {
    builder.AdvanceTo(k);
    const CrashOptions options = {.seed = k, .damage = DamageModel::kNoPowerSafeOverwrite};
    ASSERT_EQ(builder.Build(options)->Files(), CrashImage(disk_, k, options)->Files())
        << builder.Where();
  }
}

TEST_F(CrashImageTest, AnImageIsADiskThatCanCrashAgain) {
  ASSERT_TRUE(file_->Write(0, Bytes(4096, 0xBB)).ok());
  auto image = CrashImage(disk_, disk_.operation_count(), {.policy = CrashPolicy::kKeepAll});
  EXPECT_EQ(image->operation_count(), 0u);
  auto file = image->Open("/log", io::OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(0, Bytes(4096, 0xCC)).ok());
  EXPECT_GT(image->Stat("/log")->modified_ns, disk_.Stat("/log")->modified_ns);
  auto second = CrashImage(*image, 1, {.policy = CrashPolicy::kDropUnsynced});
  EXPECT_EQ(ReadAll(*second, "/log")[0], 0xBB);
  EXPECT_EQ(ReadAll(*image, "/log")[0], 0xCC);
  EXPECT_EQ(disk_.Files().at("/log")[0], 0xBB);
}

}  // namespace
}  // namespace strata::support
