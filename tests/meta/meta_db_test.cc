#include "meta/meta_db.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "meta/integrity_check.h"
#include "meta/schema.h"
#include "tests/compactor/scratch_store.h"
#include "tests/compactor/store_facts.h"

namespace strata::meta {
namespace {

using compactor::Stored;
using segment::Epoch;
using segment::FrameNo;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MetaDbTest : public compactor::ScratchStore {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    meta_db_.reset();
    auto opened = MetaDb::Open(path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    meta_db_ = *std::move(opened);
  }
  std::string path() const { return directory() + "/meta ?#%.db"; }

  int64_t Count(const std::string& table) {
    Statement statement = *meta_db_->database().Prepare("SELECT count(*) FROM " + table);
    EXPECT_TRUE(*statement.Step());
    return statement.Integer(0);
  }
  std::string Pragma(const std::string& name) {
    Statement statement = *meta_db_->database().Prepare("PRAGMA " + name);
    EXPECT_TRUE(*statement.Step());
    return statement.Text(0);
  }

  std::unique_ptr<MetaDb> meta_db_;
};

TEST_F(MetaDbTest, IsDurableWithForeignKeysAndAVersion) {
  EXPECT_EQ(Pragma("synchronous"), "2");
  EXPECT_EQ(Pragma("foreign_keys"), "1");
  EXPECT_EQ(Pragma("journal_mode"), "wal");
  EXPECT_EQ(Pragma("user_version"), std::to_string(SchemaVersion()));
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(MetaDbTest, AMonitoredNamespaceIsFoundAgain) {
  auto added = meta_db_->Monitor("file:///s", "app", 17);
  ASSERT_TRUE(added.ok()) << added.status();
  Reopen();
  auto found = meta_db_->Find("file:///s", "app");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->id, added->id);
  EXPECT_EQ(found->added_us, 17);
  EXPECT_EQ(meta_db_->Monitor("file:///s", "app", 18).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(meta_db_->Find("file:///other", "app").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(meta_db_->Monitor("file:///s", "../app", 18).ok());
}

// libsql-wal's meta-db keyed segments by their frames alone: two databases overwrote each other's
// rows.
TEST_F(MetaDbTest, SegmentsOfTwoNamespacesDoNotMix) {
  int64_t a = meta_db_->Monitor("file:///s", "a", 1)->id;
  int64_t b = meta_db_->Monitor("file:///s", "b", 1)->id;
  ASSERT_TRUE(meta_db_->AddSegments(a, {Stored(1, 10)}).ok());
  ASSERT_TRUE(meta_db_->AddSegments(b, {Stored(1, 10), Stored(11, 20)}).ok());
  EXPECT_THAT(*meta_db_->Segments(a), ElementsAre(Stored(1, 10)));
  EXPECT_THAT(*meta_db_->Segments(b), ElementsAre(Stored(1, 10), Stored(11, 20)));
}

TEST_F(MetaDbTest, SameRangeOfTwoEpochsOrLevelsAreTwoRows) {
  int64_t id = meta_db_->Monitor("file:///s", "a", 1)->id;
  ASSERT_TRUE(
      meta_db_->AddSegments(id, {Stored(1, 10, 1, 0), Stored(1, 10, 2, 0), Stored(1, 10, 1, 1)})
          .ok());
  ASSERT_TRUE(meta_db_->AddSegments(id, {Stored(1, 10, 1, 0)}).ok());
  EXPECT_THAT(*meta_db_->Segments(id), SizeIs(3));
}

// libsql-wal's unmonitor left the rows of the namespace behind.
TEST_F(MetaDbTest, UnmonitorLeavesNoRows) {
  int64_t id = meta_db_->Monitor("file:///s", "a", 1)->id;
  segment::EpochClaim claim;
  claim.epoch = Epoch(1);
  claim.first_frame = FrameNo(1);
  ASSERT_TRUE(meta_db_->Store(id, false, {Stored(1, 10)}, {claim}, 5).ok());
  ASSERT_TRUE(meta_db_->StartJob(id, "compact", "x", 5).ok());
  ASSERT_TRUE(meta_db_->Unmonitor("file:///s", "a").ok());
  for (const char* table : {"monitored_namespaces", "segments", "epochs", "jobs"})
    EXPECT_EQ(Count(table), 0);
  EXPECT_EQ(meta_db_->Unmonitor("file:///s", "a").code(), absl::StatusCode::kNotFound);
}

TEST_F(MetaDbTest, JobsSayHowTheyEnded) {
  int64_t id = meta_db_->Monitor("file:///s", "a", 1)->id;
  int64_t good = *meta_db_->StartJob(id, "compact", "one", 5);
  int64_t bad = *meta_db_->StartJob(id, "compact", "two", 6);
  ASSERT_TRUE(meta_db_->EndJob(good, absl::OkStatus(), 7).ok());
  ASSERT_TRUE(meta_db_->EndJob(bad, absl::DataLossError("rot"), 8).ok());
  auto jobs = meta_db_->Jobs(id);
  ASSERT_THAT(*jobs, SizeIs(2));
  EXPECT_EQ((*jobs)[0].state, "done");
  EXPECT_EQ((*jobs)[1].state, "failed");
  EXPECT_EQ((*jobs)[1].message, "rot");
}

TEST_F(MetaDbTest, NumbersBeyondSqlitesIntegersAreRefused) {
  int64_t id = meta_db_->Monitor("file:///s", "a", 1)->id;
  EXPECT_EQ(meta_db_->AddSegments(id, {Stored(1, UINT64_MAX - 1)}).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_THAT(*meta_db_->Segments(id), IsEmpty());
}

TEST_F(MetaDbTest, ADatabaseOfALaterReleaseIsRefused) {
  ASSERT_TRUE(meta_db_->database().Execute("PRAGMA user_version=99").ok());
  meta_db_.reset();
  auto opened = MetaDb::Open(path());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(opened.status().message(), HasSubstr("may be deleted"));
}

TEST_F(MetaDbTest, GarbageIsNotADatabase) {
  std::string garbage = directory() + "/garbage.db";
  std::ofstream(garbage) << std::string(8192, 'g');
  EXPECT_EQ(MetaDb::Open(garbage).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(MetaDbTest, IntegrityCheckFindsDamage) {
  ASSERT_TRUE(meta_db_->Monitor("file:///s", "a", 1).ok());
  meta_db_.reset();
  EXPECT_THAT(*IntegrityCheck(path()), IsEmpty());
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 + 3);
  file.write("\xff\xff\xff\xff", 4);
  file.close();
  auto findings = IntegrityCheck(path());
  EXPECT_TRUE(!findings.ok() || !findings->empty());
}

}  // namespace
}  // namespace strata::meta
