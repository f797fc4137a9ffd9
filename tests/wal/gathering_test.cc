#include "wal/gathering.h"

#include <gtest/gtest.h>

namespace strata::wal {
namespace {

using Kind = Gathering::Pause::Kind;
using Watch = Gathering::Watch;

TEST(GatheringTest, NobodyIsWaitedForBeforeASync) {
  Gathering gathering;
  Watch watch;
  EXPECT_EQ(gathering.Before(1, 1, &watch).kind, Kind::kNone);
}

TEST(GatheringTest, OneWriterAloneNeverWaits) {
  Gathering gathering;
  Watch watch;
  gathering.NoteSync(100, 1, 0);
  EXPECT_EQ(gathering.Before(2, 1, &watch).kind, Kind::kNone);
}

TEST(GatheringTest, TheFirstYieldsUntilAsManyAreThereAsWereWoken) {
  Gathering gathering;
  Watch first;
  gathering.NoteSync(100, 3, 1);
  const Gathering::Pause pause = gathering.Before(2, 2, &first);
  EXPECT_EQ(pause.kind, Kind::kYield);
  EXPECT_EQ(pause.microseconds, 25);
  EXPECT_EQ(pause.expected, 4u);
  Watch second;
  EXPECT_EQ(gathering.Before(2, 3, &second).kind, Kind::kUntilWoken);
  Watch last;
  EXPECT_EQ(gathering.Before(2, 4, &last).kind, Kind::kNone);
}

TEST(GatheringTest, WhoHasYieldedStarts) {
  Gathering gathering;
  Watch watch;
  gathering.NoteSync(100, 4, 0);
  ASSERT_EQ(gathering.Before(2, 1, &watch).kind, Kind::kYield);
  EXPECT_EQ(gathering.Before(2, 3, &watch).kind, Kind::kNone);
}

TEST(GatheringTest, SleepsForAWhileWhereTheProcessorIsWantedByOthers) {
  Gathering gathering;
  Watch watch;
  gathering.NoteSync(100, 4, 0);
  ASSERT_EQ(gathering.Before(2, 1, &watch).kind, Kind::kYield);
  watch.lost_processor = true;
  ASSERT_EQ(gathering.Before(2, 1, &watch).kind, Kind::kNone);
  gathering.NoteSync(100, 4, 0);
  Watch next;
  EXPECT_EQ(gathering.Before(3, 1, &next).kind, Kind::kSleep);
  EXPECT_EQ(gathering.Before(3, 2, &next).kind, Kind::kSleep) << "somebody came";
  EXPECT_EQ(gathering.Before(3, 2, &next).kind, Kind::kNone) << "nobody came";
  gathering.NoteSync(100, 4, 0);
  Watch later;
  EXPECT_EQ(gathering.Before(2000, 1, &later).kind, Kind::kYield);
}

TEST(GatheringTest, ASleeperStartsAfterSomePausesThoughOthersKeepComing) {
  Gathering gathering;
  Watch watch;
  gathering.NoteSync(100, 100, 0);
  ASSERT_EQ(gathering.Before(2, 1, &watch).kind, Kind::kYield);
  watch.lost_processor = true;
  gathering.Before(2, 1, &watch);
  gathering.NoteSync(100, 100, 0);
  Watch next;
  size_t waiting = 1;
  while (waiting < 50 && gathering.Before(3, waiting, &next).kind != Kind::kNone) ++waiting;
  EXPECT_LT(waiting, 10u);
}

TEST(GatheringTest, AClockThatStandsStillMakesNobodyWait) {
  Gathering gathering;
  Watch watch;
  gathering.NoteSync(0, 8, 0);
  EXPECT_EQ(gathering.Before(2, 1, &watch).kind, Kind::kNone);
}

}  // namespace
}  // namespace strata::wal
