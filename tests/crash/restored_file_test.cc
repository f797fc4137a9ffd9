#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "compactor/output_file.h"
#include "io/random.h"
#include "tests/crash/sync_sites.h"
#include "tests/support/crash_image.h"
#include "tests/support/disk_helpers.h"
#include "tests/support/simulated_disk.h"

// A restore that the power cuts off: the file is the one that was there, or the new one, whole; and
// the new one from the moment that the restore has said so.
namespace strata::crash {
namespace {

using support::Bytes;
using support::CrashImage;
using support::CrashOptions;
using support::DamageModel;
using support::ReadAll;
using support::SimulatedDisk;

constexpr char kPath[] = "/out/app.db";
constexpr uint64_t kSeeds = 60;
constexpr size_t kPiece = 8192;

std::vector<uint8_t> Old() { return Bytes(3 * kPiece, 0xAA); }
std::vector<uint8_t> New() { return Bytes(5 * kPiece, 0xBB); }

class RestoredFile : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.CreateDirectory("/out").ok());
    ASSERT_TRUE(disk_.SyncDirectory("/").ok());
    ASSERT_TRUE(support::DurableFile(disk_, kPath, Old()).ok());
    begun_ = disk_.operation_count();
  }

  void Restore() {
    auto output = compactor::OutputFile::Create(&sites_, &io::SystemRandom(), kPath, true);
    ASSERT_TRUE(output.ok()) << output.status();
    const std::vector<uint8_t> bytes = New();
    for (size_t at = 0; at < bytes.size(); at += kPiece) {
      ASSERT_TRUE((*output)->file().Write(at, absl::MakeSpan(bytes).subspan(at, kPiece)).ok());
    }
    ASSERT_TRUE((*output)->Publish().ok());
    published_ = disk_.operation_count();
  }

  // How many of the images hold something else than they may.
  uint64_t WrongImages() {
    uint64_t wrong = 0;
    for (uint64_t cut = begun_; cut <= published_; ++cut) {
      for (uint64_t seed = 0; seed < kSeeds; ++seed) {
        const auto image =
            CrashImage(disk_, cut, {.seed = seed, .damage = DamageModel::kNoPowerSafeOverwrite});
        const std::vector<uint8_t> found = ReadAll(*image, kPath);
        const bool may_be_old = cut < published_;
        wrong += found == New() || (may_be_old && found == Old()) ? 0 : 1;
      }
    }
    return wrong;
  }

  SimulatedDisk disk_;
  SyncSites sites_{&disk_};
  uint64_t begun_ = 0;
  uint64_t published_ = 0;
};

TEST_F(RestoredFile, IsTheOldOneOrTheNewOneWhole) {
  Restore();
  EXPECT_GT(published_, begun_);
  EXPECT_EQ(WrongImages(), 0u);
}

TEST_F(RestoredFile, WithoutTheSyncOfTheFileItIsTorn) {
  sites_.Swallow("restored file");
  Restore();
  EXPECT_EQ(sites_.swallowed_calls(), 1u);
  EXPECT_GT(WrongImages(), 0u);
}

TEST_F(RestoredFile, WithoutTheSyncOfTheDirectoryTheOldOneComesBack) {
  sites_.Swallow("directory: restored file: name");
  Restore();
  EXPECT_EQ(sites_.swallowed_calls(), 1u);
  EXPECT_GT(WrongImages(), 0u);
}

}  // namespace
}  // namespace strata::crash
