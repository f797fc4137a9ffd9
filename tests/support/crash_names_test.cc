#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/support/crash_image.h"
#include "tests/support/disk_helpers.h"

namespace strata::support {
namespace {

constexpr uint64_t kTries = 400;

using Names = std::vector<std::string>;

class CrashNamesTest : public testing::Test {
 protected:
  void Make(const std::string& path, uint8_t value) {
    auto file = DurableFile(disk_, path, Bytes(10, value));
    ASSERT_TRUE(file.ok()) << file.status();
  }

  void MakeDirectory(const std::string& path) {
    ASSERT_TRUE(disk_.CreateDirectory(path).ok());
    ASSERT_TRUE(disk_.SyncDirectory(io::DirectoryOf(path)).ok());
  }

  // Every listing of the root that some seed leaves.
  std::set<Names> Outcomes(FaultCounts* counts = nullptr) {
    std::set<Names> outcomes;
    ForEachImage([&](SimulatedDisk& image) { outcomes.insert(*image.List("/")); }, counts);
    return outcomes;
  }

  void ForEachImage(const std::function<void(SimulatedDisk&)>& visit,
                    FaultCounts* counts = nullptr) {
    ImageBuilder builder(disk_);
    builder.AdvanceTo(builder.operation_count());
    for (uint64_t seed = 0; seed < kTries; ++seed) visit(*builder.Build({.seed = seed}, counts));
  }

  SimulatedDisk disk_;
};

TEST_F(CrashNamesTest, SyncedFileWithoutSyncedNameMayBeGone) {
  auto file = disk_.Open("/new", io::OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write(0, Bytes(10, 1)).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  FaultCounts counts;
  EXPECT_EQ(Outcomes(&counts), (std::set<Names>{{}, {"new"}}));
  EXPECT_GT(counts.lost_create, 0u);
  EXPECT_EQ(counts.lost_write, 0u);
  ForEachImage([](SimulatedDisk& image) {
    if (Exists(image, "/new")) {
      EXPECT_EQ(ReadAll(image, "/new"), Bytes(10, 1));
    }
  });
  ASSERT_TRUE(disk_.SyncDirectory("/").ok());
  EXPECT_EQ(Outcomes(), (std::set<Names>{{"new"}}));
}

TEST_F(CrashNamesTest, RenameHappensOrNotAndNeverLosesTheFile) {
  Make("/old", 1);
  ASSERT_TRUE(disk_.Rename("/old", "/new").ok());
  FaultCounts counts;
  EXPECT_EQ(Outcomes(&counts), (std::set<Names>{{"new"}, {"old"}}));
  EXPECT_GT(counts.lost_rename, 0u);
}

TEST_F(CrashNamesTest, ReplacingRenameLeavesTheOldOrTheNewFile) {
  Make("/final", 1);
  Make("/temporary", 2);
  ASSERT_TRUE(disk_.Rename("/temporary", "/final").ok());
  std::set<uint8_t> seen;
  ForEachImage([&](SimulatedDisk& image) {
    const bool happened = !Exists(image, "/temporary");
    ASSERT_EQ(ReadAll(image, "/final"), Bytes(10, happened ? 2 : 1));
    seen.insert(ReadAll(image, "/final")[0]);
  });
  EXPECT_EQ(seen, (std::set<uint8_t>{1, 2}));
}

TEST_F(CrashNamesTest, RotationNeverLosesAFile) {
  Make("/a", 1);
  Make("/b", 2);
  ASSERT_TRUE(disk_.Rename("/b", "/c").ok());
  ASSERT_TRUE(disk_.Rename("/a", "/b").ok());
  ForEachImage([&](SimulatedDisk& image) {
    std::multiset<uint8_t> contents;
    for (const auto& [path, bytes] : image.Files()) contents.insert(bytes[0]);
    ASSERT_EQ(contents, (std::multiset<uint8_t>{1, 2}));
  });
}

TEST_F(CrashNamesTest, UnlinksAreLostIndependently) {
  Make("/a", 1);
  Make("/b", 2);
  ASSERT_TRUE(disk_.Unlink("/a").ok());
  ASSERT_TRUE(disk_.Unlink("/b").ok());
  FaultCounts counts;
  EXPECT_EQ(Outcomes(&counts), (std::set<Names>{{}, {"a"}, {"b"}, {"a", "b"}}));
  EXPECT_GT(counts.lost_unlink, 0u);
}

TEST_F(CrashNamesTest, FileInALostDirectoryIsNotReachable) {
  ASSERT_TRUE(disk_.CreateDirectory("/directory").ok());
  Make("/directory/file", 1);  // syncs /directory, not the root
  FaultCounts counts;
  EXPECT_EQ(Outcomes(&counts), (std::set<Names>{{}, {"directory"}}));
  EXPECT_GT(counts.lost_create, 0u);
  ForEachImage([&](SimulatedDisk& image) {
    if (Exists(image, "/directory")) {
      EXPECT_TRUE(Exists(image, "/directory/file"));
    }
  });
}

TEST_F(CrashNamesTest, RenameAcrossDirectoriesIsDurableWithTheTarget) {
  MakeDirectory("/from");
  MakeDirectory("/to");
  Make("/from/file", 1);
  ASSERT_TRUE(disk_.Rename("/from/file", "/to/file").ok());
  ASSERT_TRUE(disk_.SyncDirectory("/from").ok());
  std::set<bool> moved;
  ForEachImage([&](SimulatedDisk& image) {
    ASSERT_NE(Exists(image, "/from/file"), Exists(image, "/to/file"));
    moved.insert(Exists(image, "/to/file"));
  });
  EXPECT_EQ(moved, (std::set<bool>{false, true}));
  ASSERT_TRUE(disk_.SyncDirectory("/to").ok());
  ForEachImage([&](SimulatedDisk& image) { ASSERT_TRUE(Exists(image, "/to/file")); });
}

TEST_F(CrashNamesTest, DirectoryWhoseFilesCameBackIsNotRemoved) {
  MakeDirectory("/directory");
  Make("/directory/file", 1);
  ASSERT_TRUE(disk_.Unlink("/directory/file").ok());
  ASSERT_TRUE(disk_.RemoveDirectory("/directory").ok());
  std::set<std::pair<bool, bool>> seen;
  ForEachImage([&](SimulatedDisk& image) {
    seen.insert({Exists(image, "/directory"), Exists(image, "/directory/file")});
  });
  EXPECT_EQ(seen, (std::set<std::pair<bool, bool>>{{false, false}, {true, false}, {true, true}}));
}

}  // namespace
}  // namespace strata::support
