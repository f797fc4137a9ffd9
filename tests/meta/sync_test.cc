#include "meta/sync.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/compactor/scratch_store.h"
#include "tests/compactor/store_facts.h"

namespace strata::meta {
namespace {

using compactor::Id;
using compactor::Stored;
using segment::EpochClaim;
using segment::StoredSegment;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class SyncTest : public compactor::ScratchStore {
 protected:
  void SetUp() override {
    meta_db_ = *MetaDb::Open(directory() + "/meta.db");
    monitored_ = *meta_db_->Monitor(url(), "app", 1);
  }

  void PutSegment(const StoredSegment& stored) {
    PutBytes(segment::BuildSegmentKey("app", stored.key), std::string(stored.size, 's'));
  }
  void PutEpoch(uint64_t epoch, uint64_t first_frame, uint8_t id = 1) {
    PutClaim("app", compactor::Claim(epoch, first_frame, id));
  }
  SyncResult Run(SyncMode mode) {
    auto result = Sync(store(), meta_db_.get(), monitored_, mode, 99);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(SyncResult());
  }
  std::vector<StoredSegment> Known() { return *meta_db_->Segments(monitored_.id); }

  std::unique_ptr<MetaDb> meta_db_;
  MonitoredNamespace monitored_;
};

TEST_F(SyncTest, ReadsOnlyWhatIsNew) {
  PutEpoch(1, 1);
  PutSegment(Stored(1, 10, 1, 1));
  PutSegment(Stored(11, 20, 1, 0));
  EXPECT_EQ(Run(SyncMode::kNew).segments_read, 2u);
  SyncResult again = Run(SyncMode::kNew);
  EXPECT_EQ(again.segments_read, 0u);
  EXPECT_EQ(again.epochs_read, 0u);
  PutSegment(Stored(21, 30, 1, 0));
  EXPECT_EQ(Run(SyncMode::kNew).segments_read, 1u);
  EXPECT_THAT(Known(),
              ElementsAre(Stored(1, 10, 1, 1), Stored(11, 20, 1, 0), Stored(21, 30, 1, 0)));
  EXPECT_EQ(meta_db_->Find(url(), "app")->synced_us, 99);
}

// libsql-wal had the two turned round: `--full` read only what was new.
TEST_F(SyncTest, FullReadsEverythingAndForgetsWhatIsGone) {
  PutEpoch(1, 1);
  PutSegment(Stored(1, 10, 1, 1));
  PutSegment(Stored(11, 20, 1, 0));
  Run(SyncMode::kNew);
  PutSegment(Stored(1, 20, 1, 1));
  ASSERT_TRUE(store().Delete(segment::BuildSegmentKey("app", Stored(11, 20, 1, 0).key)).ok());
  EXPECT_EQ(Run(SyncMode::kFull).segments_read, 2u);
  EXPECT_THAT(Known(), ElementsAre(Stored(1, 10, 1, 1), Stored(1, 20, 1, 1)));
}

TEST_F(SyncTest, DeletingTheMetaDbLosesNothing) {
  PutEpoch(1, 1);
  PutEpoch(2, 1, 2);
  PutSegment(Stored(1, 10, 1, 1));
  PutSegment(Stored(1, 9, 2, 1, 2));
  Run(SyncMode::kNew);
  std::vector<StoredSegment> before = Known();
  std::vector<EpochClaim> epochs_before = *meta_db_->Epochs(monitored_.id);
  meta_db_ = *MetaDb::Open(directory() + "/another.db");
  monitored_ = *meta_db_->Monitor(url(), "app", 1);
  Run(SyncMode::kFull);
  EXPECT_EQ(Known(), before);
  EXPECT_EQ(*meta_db_->Epochs(monitored_.id), epochs_before);
}

TEST_F(SyncTest, ANewLogIdIsFoundByItsEpoch) {
  PutEpoch(1, 1);
  PutSegment(Stored(1, 10, 1, 1));
  Run(SyncMode::kNew);
  PutEpoch(2, 1, 2);
  PutSegment(Stored(1, 9, 2, 1, 2));
  SyncResult result = Run(SyncMode::kNew);
  EXPECT_EQ(result.segments_read, 1u);
  EXPECT_EQ(result.epochs_read, 1u);
  EXPECT_THAT(Known(), SizeIs(2));
}

TEST_F(SyncTest, AGarbageNameChangesNothing) {
  PutEpoch(1, 1);
  PutSegment(Stored(1, 10, 1, 1));
  Run(SyncMode::kNew);
  PutBytes(segment::SegmentPrefix("app", Id(1)) + "x", "bytes");
  EXPECT_FALSE(Sync(store(), meta_db_.get(), monitored_, SyncMode::kFull, 99).ok());
  EXPECT_THAT(Known(), SizeIs(1));
}

}  // namespace
}  // namespace strata::meta
