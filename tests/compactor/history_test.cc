#include "compactor/history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/compactor/scratch_store.h"
#include "tests/compactor/store_facts.h"

namespace strata::compactor {
namespace {

using segment::Epoch;
using segment::FrameNo;
using segment::StoredSegment;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(History, ASegmentCountsBelowTheNextEpochOnly) {
  LogHistory log =
      CountSegments({Stored(1, 10, 1), Stored(11, 20, 1), Stored(16, 30, 2), Stored(21, 40, 1)},
                    {Claim(1, 1), Claim(2, 16)});
  ASSERT_THAT(log.segments, SizeIs(3));
  EXPECT_EQ(log.segments[0].upto, FrameNo(10));
  EXPECT_EQ(log.segments[1].upto, FrameNo(15));
  EXPECT_EQ(log.segments[2].upto, FrameNo(30));
  ASSERT_THAT(log.fenced, SizeIs(1));
  EXPECT_EQ(log.fenced[0].key.first, FrameNo(21));
}

TEST(History, ACompactedSegmentThatReachesIntoALaterEpochDoesNotCount) {
  LogHistory log =
      CountSegments({Stored(1, 20, 1, 1), Stored(1, 20, 1, 0)}, {Claim(1, 1), Claim(2, 16)});
  ASSERT_THAT(log.segments, SizeIs(1));
  EXPECT_TRUE(log.segments[0].is_sealed());
  EXPECT_THAT(log.fenced, SizeIs(1));
}

TEST(History, AnEpochCountsBelowEveryLaterOne) {
  LogHistory log = CountSegments({Stored(1, 20, 1)}, {Claim(1, 1), Claim(2, 16), Claim(3, 11)});
  ASSERT_THAT(log.segments, SizeIs(1));
  EXPECT_EQ(log.segments[0].upto, FrameNo(10));
}

TEST(History, ASegmentWithoutClaimDoesNotCount) {
  LogHistory log = CountSegments({Stored(1, 20, 7)}, {Claim(1, 1)});
  EXPECT_THAT(log.segments, IsEmpty());
  EXPECT_THAT(log.fenced, SizeIs(1));
}

TEST(History, GapsAreErrorsWithNamespaceAndRange) {
  LogHistory log = CountSegments({Stored(1, 10, 1), Stored(12, 20, 1)}, {Claim(1, 1)});
  auto path = PlanPath("app", log, FrameNo(20));
  EXPECT_EQ(path.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(path.status().message(), HasSubstr("namespace app"));
  EXPECT_THAT(path.status().message(), HasSubstr("frames 11 to 11"));
  EXPECT_EQ(PlanExactPath("app", log, EndOf(log)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReachableEnd(log), FrameNo(10));
}

TEST(History, TheExactPathPrefersSealedSegments) {
  LogHistory log = CountSegments({Stored(1, 10, 1, 1), Stored(1, 40, 1, 1), Stored(11, 20, 1),
                                  Stored(21, 30, 1), Stored(31, 40, 1)},
                                 {Claim(1, 1)});
  EXPECT_EQ(ReachableEnd(log), FrameNo(40));
  auto path = PlanExactPath("app", log, EndOf(log));
  ASSERT_TRUE(path.ok()) << path.status();
  ASSERT_THAT(*path, SizeIs(4));
  EXPECT_EQ((*path)[0].segment, 0u);
  EXPECT_EQ((*path)[1].segment, 2u);
}

class LoadedHistory : public ScratchStore {
 protected:
  void PutSegment(const StoredSegment& stored) {
    PutBytes(segment::BuildSegmentKey("app", stored.key), "x");
  }
};

TEST_F(LoadedHistory, TheNewestLogIdWithSegmentsIsLive) {
  PutSegment(Stored(1, 10, 1, 1, 9));
  PutSegment(Stored(1, 10, 2, 1, 3));
  PutClaim("app", Claim(1, 1, 9));
  PutClaim("app", Claim(2, 1, 3));
  PutClaim("app", Claim(3, 1, 5));
  auto history = LoadHistory(store(), "app");
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_THAT(history->logs, SizeIs(3));
  ASSERT_NE(history->live(), nullptr);
  EXPECT_EQ(history->live()->log_id, Id(3));
}

TEST_F(LoadedHistory, ANamespaceWithoutObjectsIsEmpty) {
  auto history = LoadHistory(store(), "app");
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(history->live(), nullptr);
}

TEST_F(LoadedHistory, SegmentsThatNoEpochClaimsAreSetApart) {
  PutSegment(Stored(1, 10, 1, 1, 9));
  auto history = LoadHistory(store(), "app");
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(history->live(), nullptr);
  EXPECT_THAT(history->unclaimed, SizeIs(1));
}

TEST_F(LoadedHistory, AHundredBytesOfGarbageInAClaimNameTheObject) {
  PutSegment(Stored(1, 10, 1, 1, 9));
  PutBytes(segment::BuildEpochKey("app", Epoch(1)), std::string(100, 'g'));
  auto history = LoadHistory(store(), "app");
  EXPECT_EQ(history.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(history.status().message(), HasSubstr("app/epochs/00000000000000000001"));
}

}  // namespace
}  // namespace strata::compactor
