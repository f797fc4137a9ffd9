#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wal/ship_fixture.h"

namespace strata::wal {
namespace {

using segment::FrameNo;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint32_t kManyPages = 200;
constexpr int64_t kStepUs = 10'000;
constexpr int64_t kCloseShipUs = 20 * kStepUs;
constexpr int64_t kLateUs = 20 * kStepUs;  // what a close does besides looks at the clock, too
constexpr char kStays[] =
    "/app.db-wal: stays, because not all of it is in the database file and in file:///store\n";

// Uploads that take longer than a close may: each page takes kStepUs.
class ClosingTimeTest : public ShipTest {
 protected:
  void SetUp() override {
    ShipTest::SetUp();
    world_.options.close_ship_us = kCloseShipUs;
  }

  void CloseSlowly() {
    world_.clock.AdvanceAtEachLook(kStepUs);
    const int64_t begin = world_.clock.NowMicros();
    ASSERT_TRUE(world_.Close().ok());
    EXPECT_LT(world_.clock.NowMicros() - begin, kCloseShipUs + kLateUs);
    world_.clock.AdvanceAtEachLook(0);
  }

  std::vector<std::string> StoredFilesWith(const std::string& part) {
    std::vector<std::string> found;
    for (const auto& [path, bytes] : world_.disk->Files()) {
      if (path.rfind("/store/", 0) == 0 && path.find(part) != std::string::npos) {
        found.push_back(path);
      }
    }
    return found;
  }

  // The next run has time, and loses nothing.
  void ExpectTheNextOpenGoesOn(const Versions& expected) {
    world_.options.close_ship_us = 1'000 * kStepUs;
    ASSERT_TRUE(world_.Open().ok());
    EXPECT_EQ(*world_.Read(), expected);
    const uint64_t digest = DigestNow();
    world_.Pass(kLong);
    EXPECT_EQ(Shipped(), world_.log->state().commits->visible_frame());
    EXPECT_EQ(SealedDigest(), digest);
    EXPECT_EQ(StoredDigest(Stored().back()), digest);
    ASSERT_TRUE(world_.Close().ok());
    EXPECT_FALSE(world_.disk->Stat(LogWorld::kDirectory).ok());
  }
};

Versions Adopted() {
  Versions versions(kManyPages, 1);
  versions[1] = 5;
  return versions;
}

TEST_F(ClosingTimeTest, ABaseImageIsGivenUpAndBegunAnewByTheNextOpen) {
  world_.CreateDatabase(kManyPages);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{2, 5}}, kManyPages).ok());
  CloseSlowly();
  EXPECT_THAT(world_.logger.text(), HasSubstr(kStays));
  EXPECT_THAT(StoredFilesWith(".seg"), IsEmpty());
  EXPECT_THAT(StoredFilesWith("~"), IsEmpty());  // of what was given up
  ExpectTheNextOpenGoesOn(Adopted());
}

TEST_F(ClosingTimeTest, ALargeSegmentIsGivenUpAndBegunAnewByTheNextOpen) {
  ASSERT_TRUE(world_.Open().ok());
  std::vector<PageVersion> all;
  for (uint32_t page = 1; page <= kManyPages; ++page) all.push_back({page, 7});
  ASSERT_TRUE(world_.CommitPages(all, kManyPages).ok());
  CloseSlowly();
  EXPECT_THAT(world_.logger.text(), HasSubstr(kStays));
  EXPECT_THAT(StoredFilesWith(".seg"), IsEmpty());
  EXPECT_THAT(StoredFilesWith("~"), IsEmpty());  // of what was given up
  ExpectTheNextOpenGoesOn(Versions(kManyPages, 7));
}

// What the background has under way when a close begins ends too, and is no error.
TEST_F(ClosingTimeTest, TheBackgroundGivesUpItsUploadWhenTheTimeOfACloseIsOver) {
  world_.CreateDatabase(kManyPages);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{2, 5}}, kManyPages).ok());
  const int64_t begin = world_.clock.MonotonicMicros() + kLong;
  world_.log->state().give_up_at_us = begin + kCloseShipUs;
  world_.clock.Advance(kLong);
  world_.clock.AdvanceAtEachLook(kStepUs);
  world_.log->RunMaintenance();
  world_.clock.AdvanceAtEachLook(0);
  EXPECT_GE(world_.clock.MonotonicMicros(), begin + kCloseShipUs);
  EXPECT_LT(world_.clock.MonotonicMicros(), begin + kCloseShipUs + kLateUs);
  EXPECT_EQ(Shipped(), FrameNo(0));
  EXPECT_EQ(world_.logger.text(), "");
  EXPECT_THAT(StoredFilesWith("~"), IsEmpty());
  world_.Crash();
  ExpectTheNextOpenGoesOn(Adopted());
}

TEST_F(ClosingTimeTest, ACheckpointBeginsNoUploadAfterThatTimeAndEndsTheOneUnderWay) {
  world_.CreateDatabase(kManyPages);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{2, 5}}, kManyPages).ok());
  world_.clock.AdvanceAtEachLook(kStepUs);
  ASSERT_TRUE(world_.log->Checkpoint(FrameNo(1000), true, false).ok());
  world_.clock.AdvanceAtEachLook(0);
  EXPECT_EQ(Shipped(), FrameNo(kManyPages)) << "the base, and not the commit";
  EXPECT_THAT(world_.logger.text(), HasSubstr("does not have everything yet"));
  ASSERT_TRUE(world_.log->Checkpoint(FrameNo(1000), true, false).ok());
  EXPECT_EQ(Shipped(), FrameNo(kManyPages + 1));
}

TEST_F(ClosingTimeTest, WithoutTimeACheckpointBeginsNoBaseImage) {
  world_.options.close_ship_us = 0;
  world_.CreateDatabase(kManyPages);
  ASSERT_TRUE(world_.Open().ok());
  ASSERT_TRUE(world_.CommitPages({{2, 5}}, kManyPages).ok());
  ASSERT_TRUE(world_.log->Checkpoint(FrameNo(1000), true, false).ok());
  EXPECT_EQ(Shipped(), FrameNo(0));
  EXPECT_THAT(world_.logger.text(), HasSubstr("does not have everything yet"));
}

}  // namespace
}  // namespace strata::wal
