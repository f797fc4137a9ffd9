#include "compactor/verify.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/compactor/sqlite_store_fixture.h"

namespace strata::compactor {
namespace {

using segment::SegmentKey;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifyTest : public SqliteStoreFixture {
 protected:
  size_t FilesInScratch() const {
    std::filesystem::directory_iterator files(directory());
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
};

TEST_F(VerifyTest, FullProvesARealDatabaseBeforeAndAfterCompaction) {
  ModelLog log(&store(), "app", 1024);
  log.Claim(1, 1);
  FollowSqlite(&log, 30, true);
  for (Strategy strategy : {Strategy::kTiered, Strategy::kLogarithmic, Strategy::kAll}) {
    VerifyReport report = VerifyNow(VerifyDepth::kFull);
    EXPECT_THAT(report.findings, IsEmpty());
    EXPECT_TRUE(report.integrity_checked);
    EXPECT_GE(report.digests_checked, log.states().size());
    ASSERT_TRUE(CompactOnce(strategy).ok());
  }
  VerifyReport report = VerifyNow(VerifyDepth::kFull);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.commits, log.states().size());
  EXPECT_GT(report.digests_checked, log.states().size());
}

TEST_F(VerifyTest, ADatabaseThatSqliteRejectsIsAFinding) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
  EXPECT_THAT(VerifyNow(VerifyDepth::kFull).findings,
              Contains(Field(&VerifyFinding::message, HasSubstr("integrity_check"))));
}

TEST_F(VerifyTest, ARestoreTestProvesTheLatestStateAndLeavesNothingBehind) {
  ModelLog log(&store(), "app", 1024);
  log.Claim(1, 1);
  FollowSqlite(&log, 8, true);
  const size_t files_before = FilesInScratch();
  VerifyReport report = VerifyNow(VerifyDepth::kRestoreTest);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_TRUE(report.integrity_checked);
  EXPECT_EQ(report.digests_checked, 0u);
  EXPECT_EQ(FilesInScratch(), files_before);
}

TEST_F(VerifyTest, ARestoreTestFindsWhatARestoreWouldMeet) {
  ModelLog log(&store(), "app", 1024);
  log.Claim(1, 1);
  FollowSqlite(&log, 1, false);
  auto segments = segment::ListSegments(store(), "app", log.log_id());
  const std::string object = segment::BuildSegmentKey("app", segments->front().key);
  std::vector<uint8_t> bytes = ReadFile(FileOf(object));
  bytes[segment::kSegmentHeaderSize + 100] ^= 1;  // in the only version of its page
  std::ofstream(FileOf(object), std::ios::binary)
      .write(reinterpret_cast<char*>(bytes.data()), bytes.size());
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings, IsEmpty());
  EXPECT_THAT(VerifyNow(VerifyDepth::kRestoreTest).findings,
              Contains(Field(&VerifyFinding::message, HasSubstr(object))));
}

TEST_F(VerifyTest, AFlippedByteAnywhereInASegmentIsFound) {
  ModelLog log(&store(), "app", 1024);
  log.Claim(1, 1);
  FollowSqlite(&log, 4, false);
  auto segments = segment::ListSegments(store(), "app", log.log_id());
  const std::string path = FileOf(segment::BuildSegmentKey("app", segments->front().key));
  const std::vector<uint8_t> good = ReadFile(path);
  std::mt19937 random(1);
  for (size_t at = 0; at < good.size(); at += 1 + random() % 97) {
    std::vector<uint8_t> bad = good;
    bad[at] ^= static_cast<uint8_t>(1 + random() % 255);
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<char*>(bad.data()), bad.size());
    ASSERT_FALSE(VerifyNow(VerifyDepth::kFull).findings.empty()) << "offset " << at;
  }
}

TEST_F(VerifyTest, ForeignObjectsGapsAndDamagedClaimsAreFindingsThatNameTheObject) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  log.Commit({{1, log.Page(2)}}, 1);
  SegmentKey lost = log.ShipSealed();
  log.Commit({{1, log.Page(3)}}, 1);
  log.ShipSealed();
  ASSERT_TRUE(store().Delete(segment::BuildSegmentKey("app", lost)).ok());
  PutBytes("app/notes.txt", "hello");
  PutBytes(segment::BuildEpochKey("app", segment::Epoch(2)), "garbage");
  auto findings = VerifyNow(VerifyDepth::kQuick).findings;
  EXPECT_THAT(findings, Contains(Field(&VerifyFinding::object, "app/notes.txt")));
  EXPECT_THAT(findings, Contains(Field(&VerifyFinding::object,
                                       segment::BuildEpochKey("app", segment::Epoch(2)))));
  EXPECT_THAT(findings, Contains(Field(&VerifyFinding::message, HasSubstr("frames 2 to 2"))));
}

TEST_F(VerifyTest, ASwappedSegmentIsRefusedByName) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  SegmentKey first = log.ShipSealed();
  log.Commit({{1, log.Page(2)}}, 1);
  SegmentKey second = log.ShipSealed();
  std::filesystem::copy_file(FileOf(segment::BuildSegmentKey("app", first)),
                             FileOf(segment::BuildSegmentKey("app", second)),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings,
              Contains(AllOf(
                  Field(&VerifyFinding::object, segment::BuildSegmentKey("app", second)),
                  Field(&VerifyFinding::message, HasSubstr("first frame: expected 2, found 1")))));
}

TEST_F(VerifyTest, SegmentsThatDisagreeAboutACommitAreFound) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  ModelLog other(&store(), "app", 512);
  other.set_epoch(1);
  other.Commit({{1, other.Page(9)}}, 1);
  other.Commit({{1, other.Page(2)}}, 1);
  other.ShipSealed();
  EXPECT_THAT(VerifyNow(VerifyDepth::kQuick).findings,
              Contains(Field(&VerifyFinding::message, HasSubstr("another segment says"))));
}

TEST_F(VerifyTest, AFencedSegmentIsANote) {
  ModelLog log(&store(), "app", 512);
  log.Claim(1, 1);
  log.Commit({{1, log.Page(1)}}, 1);
  log.ShipSealed();
  log.Commit({{1, log.Page(2)}}, 1);
  SegmentKey late = log.ShipSealed();
  log.Claim(2, 2);
  VerifyReport report = VerifyNow(VerifyDepth::kQuick);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_THAT(report.notes,
              Contains(Field(&VerifyFinding::object, segment::BuildSegmentKey("app", late))));
}

TEST_F(VerifyTest, ANamespaceThatIsNotThereIsAnError) {
  VerifyOptions options;
  EXPECT_EQ(
      Verify(&store(), &io::PosixFileSystem(), &io::SystemRandom(), "app", options).status().code(),
      absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace strata::compactor
