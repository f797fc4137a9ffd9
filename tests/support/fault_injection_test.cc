#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/crash_image.h"
#include "tests/support/disk_helpers.h"

namespace strata::support {
namespace {

class FaultInjectionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto file = DurableFile(disk_, "/log", Bytes(8192, 0xAA));
    ASSERT_TRUE(file.ok()) << file.status();
    file_ = *std::move(file);
  }

  std::vector<uint8_t> LogAfter(CrashPolicy policy) {
    return ReadAll(*CrashImage(disk_, disk_.operation_count(), {.policy = policy}), "/log");
  }

  SimulatedDisk disk_;
  std::unique_ptr<io::File> file_;
};

TEST_F(FaultInjectionTest, TheNthCallFailsOnce) {
  disk_.FailOperation(
      {.nth = 1, .calls = kWriteCall, .status = absl::ResourceExhaustedError("ENOSPC")});
  EXPECT_TRUE(file_->Write(0, Bytes(10, 1)).ok());
  const absl::Status failed = file_->Write(10, Bytes(10, 2));
  EXPECT_TRUE(absl::IsResourceExhausted(failed));
  EXPECT_THAT(std::string(failed.message()), testing::HasSubstr("/log"));
  EXPECT_TRUE(file_->Write(20, Bytes(10, 3)).ok());
  EXPECT_EQ(disk_.faults_fired(), 1u);
  EXPECT_EQ(ReadAll(disk_, "/log")[10], 0xAA);
}

TEST_F(FaultInjectionTest, AFaultForEverEndsWhenCleared) {
  disk_.FailOperation({.for_ever = true});
  EXPECT_FALSE(file_->Size().ok());
  EXPECT_FALSE(disk_.List("/").ok());
  EXPECT_FALSE(disk_.Open("/new", io::OpenMode::kCreate).ok());
  disk_.ClearFaults();
  EXPECT_TRUE(file_->Size().ok());
  EXPECT_FALSE(Exists(disk_, "/new"));
}

TEST_F(FaultInjectionTest, EveryCallOfAWorkloadCanFail) {
  const auto workload = [](SimulatedDisk& disk) -> absl::Status {
    auto file = DurableFile(disk, "/a", Bytes(10, 1));
    if (!file.ok()) return file.status();
    if (auto status = (*file)->Truncate(5); !status.ok()) return status;
    if (auto locked = (*file)->TryLock(io::LockKind::kExclusive); !locked.ok())
      return locked.status();
    if (auto status = disk.Rename("/a", "/b"); !status.ok()) return status;
    return disk.Unlink("/b");
  };
  SimulatedDisk healthy;
  ASSERT_TRUE(workload(healthy).ok());
  const uint64_t calls = healthy.call_count();
  ASSERT_EQ(calls, 8u);
  for (uint64_t n = 0; n < calls; ++n) {
    SimulatedDisk disk;
    disk.FailOperation({.nth = n});
    EXPECT_TRUE(absl::IsInternal(workload(disk))) << "call " << n;
    EXPECT_EQ(disk.faults_fired(), 1u);
  }
}

TEST_F(FaultInjectionTest, AShortWriteLeavesItsFirstHalf) {
  disk_.FailOperation({.calls = kWriteCall, .partial = true});
  EXPECT_FALSE(file_->Write(0, Bytes(100, 0xBB)).ok());
  const auto bytes = ReadAll(disk_, "/log");
  EXPECT_EQ(bytes[49], 0xBB);
  EXPECT_EQ(bytes[50], 0xAA);
}

TEST_F(FaultInjectionTest, AfterAFailedSyncALaterSyncLies) {
  ASSERT_TRUE(file_->Write(0, Bytes(4096, 0xBB)).ok());
  disk_.FailOperation({.calls = kSyncCall});
  EXPECT_FALSE(file_->Sync().ok());
  EXPECT_TRUE(file_->Sync().ok());
  EXPECT_EQ(ReadAll(disk_, "/log")[0], 0xBB);  // the page cache has the new bytes
  EXPECT_EQ(LogAfter(CrashPolicy::kKeepAll), Bytes(8192, 0xAA));
  EXPECT_EQ(LogAfter(CrashPolicy::kDropUnsynced), Bytes(8192, 0xAA));
  FaultCounts counts;
  CrashImage(disk_, disk_.operation_count(), {.policy = CrashPolicy::kKeepAll}, &counts);
  EXPECT_EQ(counts.failed_sync_loss, 1u);
}

TEST_F(FaultInjectionTest, AfterAFailedSyncRewritingTheRangeDoesNotHelp) {
  ASSERT_TRUE(file_->Write(0, Bytes(100, 0xBB)).ok());
  disk_.FailOperation({.calls = kSyncCall});
  EXPECT_FALSE(file_->Sync().ok());
  ASSERT_TRUE(file_->Write(0, Bytes(8192, 0xCC)).ok());
  EXPECT_TRUE(file_->Sync().ok());
  const auto bytes = LogAfter(CrashPolicy::kDropUnsynced);
  EXPECT_EQ(bytes[0], 0xAA);
  EXPECT_EQ(bytes[4095], 0xAA);
  EXPECT_EQ(bytes[4096], 0xCC);  // a block that no failed sync touched
}

TEST_F(FaultInjectionTest, AFailedSyncSpoilsOnlyItsFile) {
  auto other = DurableFile(disk_, "/other", Bytes(10, 1));
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE((*other)->Write(0, Bytes(10, 2)).ok());
  disk_.FailOperation({.calls = kSyncCall});
  EXPECT_FALSE(file_->Sync().ok());
  EXPECT_TRUE((*other)->Sync().ok());
  auto image = CrashImage(disk_, disk_.operation_count(), {.policy = CrashPolicy::kDropUnsynced});
  EXPECT_EQ(ReadAll(*image, "/other"), Bytes(10, 2));
}

}  // namespace
}  // namespace strata::support
