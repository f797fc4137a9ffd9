#include "wal/spare_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "segment/frame.h"
#include "tests/wal/log_world.h"

namespace strata::wal {
namespace {

using testing::ElementsAre;

constexpr int kMostRounds = 300;

class SpareFilesTest : public testing::Test {
 protected:
  SpareFilesTest() {
    world_.options.segment_bytes = 64 * kPageSize;
    world_.options.checkpoint_bytes = 1;
  }

  // Commits and lets the background run until `done`.
  template <typename Done>
  bool CommitUntil(const Done& done, Durability durability = Durability::kFull) {
    for (int round = 0; round < kMostRounds; ++round) {
      if (done()) return true;
      ++version_;
      EXPECT_TRUE(world_.CommitPages({{1, version_}, {2, version_}}, 2, durability).ok());
      world_.Pass(150'000);
    }
    return false;
  }

  // Names of those that wait to be used again.
  std::vector<std::string> Kept() {
    std::vector<std::string> kept;
    const auto names = world_.disk->List(LogWorld::kDirectory);
    for (const std::string& name : *names)
      if (absl::EndsWith(name, ".log.tmp")) kept.push_back(name);
    return kept;
  }
  bool KeepsAFile() { return !Kept().empty(); }
  bool Keeps(const std::string& name) { return absl::c_linear_search(Kept(), name); }

  bool HasSpare() {
    io::MutexLock lock(&world_.log->state().append_mutex);
    return world_.log->state().spare != nullptr;
  }

  uint64_t SpareBytes() {
    io::MutexLock lock(&world_.log->state().append_mutex);
    return world_.log->state().spare->written_before();
  }

  LogWorld world_;
  uint64_t version_ = 0;
};

TEST_F(SpareFilesTest, FileThatIsNeededNoMoreIsUsedAgain) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(CommitUntil([&] { return KeepsAFile(); }));
  ASSERT_TRUE(CommitUntil([&] { return !KeepsAFile() && HasSpare(); }));
  EXPECT_GE(SpareBytes(), world_.options.segment_bytes);
  ASSERT_TRUE(CommitUntil([&] { return !HasSpare(); }));  // it is the current file now
  EXPECT_THAT(*world_.Read(), ElementsAre(version_, version_));
  const uint64_t last = version_;
  world_.Crash();
  ASSERT_TRUE(world_.Open().ok());
  EXPECT_THAT(*world_.Read(), ElementsAre(last, last));
}

TEST_F(SpareFilesTest, UsedFileWaitsForReadersThatBeganBeforeItsRemoval) {
  ASSERT_TRUE(world_.Open().ok());
  Connection reader(world_.log);
  ASSERT_TRUE(CommitUntil([&] {
    if (KeepsAFile()) return true;  // since the reader began
    reader.EndRead();
    EXPECT_TRUE(reader.BeginRead().ok());
    return false;
  }));
  const std::string kept = Kept().front();
  EXPECT_FALSE(CommitUntil([&] { return !Keeps(kept); }));
  reader.EndRead();
  EXPECT_TRUE(CommitUntil([&] { return !Keeps(kept); }));
}

TEST_F(SpareFilesTest, ZerosAreWrittenOnlyWhereCommitsWaitForSyncs) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(CommitUntil([&] { return HasSpare(); }, Durability::kNormal));
  EXPECT_EQ(SpareBytes(), 0u);
  ASSERT_TRUE(world_.Close().ok());
  world_.connection.reset();
  world_.log.reset();
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(CommitUntil([&] { return HasSpare(); }, Durability::kFull));
  EXPECT_EQ(SpareBytes(), world_.options.segment_bytes);
}

TEST_F(SpareFilesTest, TruncateKeepsNothingForLater) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(CommitUntil([&] { return KeepsAFile(); }));
  ASSERT_TRUE(world_.log->Checkpoint(segment::FrameNo(UINT64_MAX), true, false).ok());
  ASSERT_TRUE(world_.log->state().write_lock.TryAcquireForBackground());
  ASSERT_TRUE(world_.log->Truncate().ok());
  world_.log->state().write_lock.Release();
  EXPECT_FALSE(KeepsAFile());
  EXPECT_FALSE(HasSpare());
}

class SizeLimitTest : public SpareFilesTest {
 protected:
  // Bytes of the log files, and of those that are kept for later.
  uint64_t LogBytes() {
    uint64_t bytes = 0;
    const auto names = world_.disk->List(LogWorld::kDirectory);
    for (const std::string& name : *names) {
      if (name != kLockName && name != kSharedName && name != kIdentityName && name != "ledger")
        bytes += world_.disk->Files()[absl::StrCat(LogWorld::kDirectory, "/", name)].size();
    }
    return bytes;
  }

  void CheckpointAll() {
    ASSERT_TRUE(world_.log->Checkpoint(segment::FrameNo(UINT64_MAX), true, false).ok());
  }
};

TEST_F(SizeLimitTest, LogAtRestIsCutToItsLimit) {
  for (const uint64_t limit : {uint64_t{0}, uint64_t{10'000}, uint64_t{40'000}}) {
    ASSERT_TRUE(world_.Open().ok());
    ASSERT_TRUE(CommitUntil([&] { return KeepsAFile() && LogBytes() > 50'000; }));
    CheckpointAll();
    ASSERT_GT(LogBytes(), 50'000u);
    world_.log->state().SetSizeLimit(limit);
    CheckpointAll();
    EXPECT_LE(LogBytes(), std::max<uint64_t>(limit, 4096 + 512));
    EXPECT_THAT(*world_.Read(), ElementsAre(version_, version_));
    world_.Crash();
    ASSERT_TRUE(world_.Open().ok());
    EXPECT_THAT(*world_.Read(), ElementsAre(version_, version_));
    ASSERT_TRUE(world_.Close().ok());
    world_.connection.reset();
    world_.log.reset();
  }
}

TEST_F(SizeLimitTest, BackgroundKeepsToTheLimit) {
  ASSERT_TRUE(world_.Open().ok());
  world_.log->state().SetSizeLimit(0);
  for (int round = 0; round < 100; ++round) {
    ++version_;
    ASSERT_TRUE(world_.CommitPages({{1, version_}, {2, version_}}, 2).ok());
    world_.Pass(150'000);
  }
  world_.Pass(500'000);
  EXPECT_LE(LogBytes(), 4096u + 512u);
  EXPECT_THAT(*world_.Read(), ElementsAre(version_, version_));
}

TEST_F(SizeLimitTest, FramesThatAReaderNeedsStay) {
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{1, 1}, {2, 1}}, 2).ok());
  Connection reader(world_.log);
  ASSERT_TRUE(reader.BeginRead().ok());
  world_.log->state().SetSizeLimit(0);
  ASSERT_TRUE(world_.CommitPages({{1, 2}, {2, 2}}, 2).ok());
  CheckpointAll();
  EXPECT_GT(LogBytes(), 4096u + 4 * kPageSize);
  reader.EndRead();
  CheckpointAll();
  EXPECT_LE(LogBytes(), 4096u + 512u);
}

TEST_F(SizeLimitTest, NoLimitKeepsFilesForLater) {
  ASSERT_TRUE(world_.Open().ok());
  world_.log->state().SetSizeLimit(0);
  world_.log->state().SetSizeLimit(std::nullopt);
  EXPECT_TRUE(CommitUntil([&] { return KeepsAFile(); }));
}

TEST(NewSaltTest, SaltHasTheSeedOfNoEarlierLife) {
  const segment::LogId log_id{};
  const uint32_t seed = segment::RecordSeed(7, log_id);
  const uint32_t next = segment::RecordSeed(8, log_id);
  EXPECT_EQ(NewSalt(7, log_id, {}), 7u);
  EXPECT_EQ(NewSalt(7, log_id, {seed}), 8u);
  EXPECT_EQ(NewSalt(7, log_id, {next, seed}), 9u);
}

// What makes it certain that old records are not taken for new ones.
TEST(NewSaltTest, RecordVerifiesUnderNoOtherSeed) {
  const std::vector<uint8_t> page = PageBytes(1, 5);
  segment::FrameHeader header;
  header.frame = segment::FrameNo(9);
  header.page = segment::PageNo(1);
  header.stored_length = kPageSize;
  uint8_t record[segment::kRecordHeaderSize];
  segment::EncodeRecordHeader(header, page, 1000, record);
  for (uint32_t seed = 0; seed < 100'000; ++seed)
    ASSERT_EQ(segment::RecordIsIntact(record, page, seed), seed == 1000) << seed;
}

}  // namespace
}  // namespace strata::wal
