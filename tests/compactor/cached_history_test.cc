#include "compactor/cached_history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "meta/sync.h"
#include "tests/compactor/scratch_store.h"
#include "tests/compactor/store_facts.h"

namespace strata::compactor {
namespace {

using segment::Epoch;
using segment::FrameNo;
using segment::SegmentKey;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

SegmentKey Key(uint64_t first, uint64_t last, uint8_t level = 0, uint64_t epoch = 1,
               uint8_t log = 1) {
  return {Id(log), FrameNo(first), FrameNo(last), Epoch(epoch), level};
}

std::vector<std::pair<SegmentKey, FrameNo>> Counted(const LogHistory& log) {
  std::vector<std::pair<SegmentKey, FrameNo>> counted;
  for (const CountedSegment& s : log.segments) counted.push_back({s.key, s.upto});
  return counted;
}

LogHistory LogOf(const std::vector<SegmentKey>& keys) {
  std::vector<segment::StoredSegment> segments;
  for (const SegmentKey& key : keys) segments.push_back({key, 100});
  return CountSegments(segments, {Claim(1, 1)});
}

class CachedHistoryTest : public ScratchStore {
 protected:
  void SetUp() override {
    meta_db_ = *meta::MetaDb::Open(directory() + "/meta.db");
    monitored_ = *meta_db_->Monitor(url(), "app", 1);
  }

  void Put(const SegmentKey& key) { PutBytes(segment::BuildSegmentKey("app", key), "bytes"); }

  std::unique_ptr<meta::MetaDb> meta_db_;
  meta::MonitoredNamespace monitored_;
};

// Two log ids, an epoch that fences another, keys whose order is not that of the meta-db's rows,
// and a log id that nobody claimed.
TEST_F(CachedHistoryTest, CacheSaysWhatTheStoreSays) {
  PutClaim("app", Claim(1, 1));
  PutClaim("app", Claim(2, 15));
  PutClaim("app", Claim(3, 1, 2));
  for (const SegmentKey& key :
       {Key(1, 10), Key(11, 20), Key(11, 20, 0, 2), Key(11, 20, 1, 1), Key(1, 10, 2),
        Key(15, 30, 0, 2), Key(1, 5, 0, 3, 2), Key(1, 5, 0, 3, 9)}) {
    Put(key);
  }
  ASSERT_TRUE(meta::Sync(store(), meta_db_.get(), monitored_, meta::SyncMode::kFull, 77).ok());
  const auto cached = LoadCachedHistory(meta_db_.get(), url(), "app");
  ASSERT_TRUE(cached.ok()) << cached.status();
  const auto listed = LoadHistory(store(), "app");
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(cached->synced_us, 77);
  EXPECT_EQ(cached->history.unclaimed, listed->unclaimed);
  ASSERT_EQ(cached->history.logs.size(), 2u);
  ASSERT_EQ(listed->logs.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(cached->history.logs[i].log_id, listed->logs[i].log_id);
    EXPECT_EQ(cached->history.logs[i].fenced, listed->logs[i].fenced);
    EXPECT_EQ(Counted(cached->history.logs[i]), Counted(listed->logs[i]));
  }
}

TEST_F(CachedHistoryTest, NamespaceThatWasNeverSyncedIsRefused) {
  EXPECT_EQ(LoadCachedHistory(meta_db_.get(), url(), "app").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(LoadCachedHistory(meta_db_.get(), url(), "other").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Coverage, SealedNeighboursAreOneStretch) {
  const auto coverage = CoverageOf("app", LogOf({Key(1, 10), Key(11, 20), Key(21, 21)}));
  ASSERT_TRUE(coverage.ok()) << coverage.status();
  EXPECT_THAT(*coverage, ElementsAre(CoveredStretch{FrameNo(1), FrameNo(21), true, 3, 300}));
}

TEST(Coverage, CompactedSegmentIsAStretchOfItsOwn) {
  const auto coverage = CoverageOf(
      "app", LogOf({Key(1, 10, 1), Key(11, 20, 1), Key(21, 30), Key(31, 40), Key(41, 50, 1)}));
  ASSERT_TRUE(coverage.ok()) << coverage.status();
  EXPECT_THAT(*coverage, ElementsAre(CoveredStretch{FrameNo(1), FrameNo(10), false, 1, 100},
                                     CoveredStretch{FrameNo(11), FrameNo(20), false, 1, 100},
                                     CoveredStretch{FrameNo(21), FrameNo(40), true, 2, 200},
                                     CoveredStretch{FrameNo(41), FrameNo(50), false, 1, 100}));
}

TEST(Coverage, EndsAtTheFirstGap) {
  const auto coverage = CoverageOf("app", LogOf({Key(1, 10), Key(15, 20)}));
  ASSERT_TRUE(coverage.ok()) << coverage.status();
  EXPECT_THAT(*coverage, ElementsAre(CoveredStretch{FrameNo(1), FrameNo(10), true, 1, 100}));
  EXPECT_THAT(*CoverageOf("app", LogOf({Key(2, 10)})), IsEmpty());
}

}  // namespace
}  // namespace strata::compactor
