#include "compactor/change_watch.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/local_object_store.h"
#include "segment/change_notice.h"
#include "segment/store_listing.h"
#include "tests/support/fake_clock.h"
#include "tests/support/simulated_disk.h"

namespace strata::compactor {
namespace {

using segment::BuildNoticeKey;
using segment::ChangeNotice;
using segment::kNoticePeriodUs;
using segment::NoticePeriodOf;
using segment::ParseNoticeKey;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kDayUs = 24 * 60 * kMinuteUs;

class ChangeWatchTest : public testing::Test {
 protected:
  ChangeWatchTest() { clock_.SetWall(1'700'000'400'000'000 / kNoticePeriodUs * kNoticePeriodUs); }

  void Notice(const std::string& ns) {
    ASSERT_TRUE(segment::PutNotice(store_, {NoticePeriodOf(clock_.NowMicros()), ns}).ok());
  }
  std::set<std::string> Poll() {
    auto changed = watch_.Poll();
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.value_or(std::set<std::string>{});
  }

  support::SimulatedDisk disk_;
  io::SeededRandom random_{1};
  support::FakeClock clock_;
  io::LocalObjectStore store_{&disk_, &random_, "/store"};
  ChangeWatch watch_{&store_, &clock_};
};

TEST_F(ChangeWatchTest, AKeyIsReadAsItWasBuilt) {
  const ChangeNotice notice = {2'833'334, "app.db"};
  EXPECT_EQ(BuildNoticeKey(notice), "_changed/0002833334/app.db");
  EXPECT_EQ(*ParseNoticeKey(BuildNoticeKey(notice)), notice);
  for (const char* key : {"_changed/1/app", "_changed/0000000001/", "_changed/0000000001/a/b",
                          "_changed/00000000012/a", "_changed/-000000001/a", "other/0000000001/a",
                          "_changed/0000000001-a", "_changed/"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseNoticeKey(key).status())) << key;
  }
}

TEST_F(ChangeWatchTest, ALookAtNothingIsOneRequestHoweverManyThereAre) {
  for (int i = 0; i < 300; ++i) Notice("app" + std::to_string(i));
  EXPECT_EQ(Poll().size(), 300u);
  clock_.Advance(kNoticePeriodUs + 2 * kMinuteUs);
  EXPECT_EQ(Poll().size(), 300u);
  clock_.Advance(kDayUs);
  for (int i = 0; i < 50; ++i) {
    const uint64_t before = store_.request_counts().total();
    EXPECT_THAT(Poll(), IsEmpty());
    EXPECT_EQ(store_.request_counts().total(), before + 1);
    clock_.Advance(10'000'000);
  }
}

TEST_F(ChangeWatchTest, AChangeIsToldOnceAndAgainWhenItsPeriodIsOver) {
  Notice("app");
  EXPECT_THAT(Poll(), ElementsAre("app"));
  clock_.Advance(kMinuteUs);
  Notice("app");
  EXPECT_THAT(Poll(), IsEmpty());
  clock_.Advance(kNoticePeriodUs - kMinuteUs);
  EXPECT_THAT(Poll(), IsEmpty());  // who shipped in the last moment may still be at it
  clock_.Advance(kMinuteUs);
  EXPECT_THAT(Poll(), ElementsAre("app"));
  clock_.Advance(kMinuteUs);
  EXPECT_THAT(Poll(), IsEmpty());
  Notice("app");
  EXPECT_THAT(Poll(), ElementsAre("app"));
}

TEST_F(ChangeWatchTest, AWriterWhoseClockIsMinutesBehindIsSeen) {
  Poll();
  const uint64_t period = NoticePeriodOf(clock_.NowMicros());
  clock_.Advance(kMinuteUs);
  ASSERT_TRUE(segment::PutNotice(store_, {period - 1, "behind"}).ok());
  ASSERT_TRUE(segment::PutNotice(store_, {period + 1, "ahead"}).ok());
  EXPECT_THAT(Poll(), ElementsAre("ahead", "behind"));
}

TEST_F(ChangeWatchTest, TheFirstLookGoesBackADayAndOldNoticesAreRemoved) {
  Notice("old");
  clock_.Advance(kDayUs);
  Notice("yesterday");
  clock_.Advance(kDayUs - kNoticePeriodUs);
  EXPECT_THAT(Poll(), ElementsAre("yesterday"));
  EXPECT_EQ(*watch_.RemoveOld(), 1u);
  EXPECT_EQ(segment::ListNotices(store_, 0)->size(), 1u);
}

TEST_F(ChangeWatchTest, NoticesAreNoNamespace) {
  Notice("app");
  EXPECT_THAT(*segment::ListNamespaces(store_), IsEmpty());
}

}  // namespace
}  // namespace strata::compactor
