#include "wal/unsynced_records.h"

#include <gtest/gtest.h>

namespace strata::wal {
namespace {

UnsyncedRecords::Part Filled(uint64_t offset, size_t size, uint8_t with) {
  UnsyncedRecords::Part part = UnsyncedRecords::NewPart(offset, size);
  std::fill_n(part.bytes.get(), size, with);
  return part;
}

class UnsyncedRecordsTest : public testing::Test {
 protected:
  void Write() { records_.NoteWritten(records_.added()); }

  UnsyncedRecords records_;
};

TEST_F(UnsyncedRecordsTest, PartsThatFollowEachOtherAreWrittenAtOnce) {
  records_.Add(Filled(100, 10, 1));
  records_.Add(Filled(110, 20, 2));
  records_.Add(Filled(200, 5, 3));
  EXPECT_EQ(records_.unwritten_bytes(), 35u);
  const auto first = records_.Unwritten(records_.added());
  ASSERT_EQ(first.size(), 2u);
  records_.NoteWritten(first.back().number + 1);
  const auto second = records_.Unwritten(records_.added());
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].offset, 200u);
  records_.NoteWritten(second.back().number + 1);
  EXPECT_TRUE(records_.Unwritten(records_.added()).empty());
  EXPECT_EQ(records_.unwritten_bytes(), 0u);
  EXPECT_EQ(records_.kept_bytes(), 35u);
}

TEST_F(UnsyncedRecordsTest, WhatWasAddedAfterTheSyncBeganIsLeftToTheNext) {
  records_.Add(Filled(0, 10, 1));
  const uint64_t begun = records_.added();
  records_.Add(Filled(10, 10, 2));
  EXPECT_EQ(records_.Unwritten(begun).size(), 1u);
  records_.NoteWritten(begun);
  records_.NoteSynced(begun);
  EXPECT_TRUE(records_.needs_sync());
  EXPECT_EQ(records_.kept_bytes(), 10u);
  EXPECT_EQ(records_.LowestOffset(), 10u);
  EXPECT_EQ(records_.Find(0, 10, SIZE_MAX), nullptr);
  EXPECT_NE(records_.Find(10, 10, 0), nullptr) << "not in the file yet";
}

TEST_F(UnsyncedRecordsTest, ALongRunIsWrittenInSeveral) {
  for (uint64_t i = 0; i < 3 * UnsyncedRecords::kMostAtOnce; ++i) records_.Add(Filled(i, 1, 1));
  int writes = 0;
  for (auto parts = records_.Unwritten(records_.added()); !parts.empty();
       parts = records_.Unwritten(records_.added())) {
    records_.NoteWritten(parts.back().number + 1);
    ++writes;
  }
  EXPECT_EQ(writes, 3);
}

TEST_F(UnsyncedRecordsTest, TheNewestBytesAreFound) {
  records_.Add(Filled(0, 10, 1));
  records_.Add(Filled(0, 10, 2));
  Write();
  ASSERT_NE(records_.Find(5, 5, 1), nullptr);
  EXPECT_EQ(*records_.Find(5, 5, 1), 2);
  EXPECT_EQ(records_.Find(5, 6, SIZE_MAX), nullptr);
  EXPECT_EQ(records_.Find(0, 10, 0), nullptr);
}

TEST_F(UnsyncedRecordsTest, CopiesOfWhatIsInTheFileMayGo) {
  records_.Add(Filled(50, 10, 1));
  Write();
  records_.Add(Filled(60, 10, 2));
  records_.DropWritten();
  EXPECT_EQ(records_.kept_bytes(), 10u);
  EXPECT_EQ(records_.LowestOffset(), 50u);
  EXPECT_TRUE(records_.needs_sync());
  Write();
  records_.NoteSynced(records_.added());
  EXPECT_EQ(records_.LowestOffset(), UINT64_MAX);
  EXPECT_FALSE(records_.needs_sync());
}

TEST_F(UnsyncedRecordsTest, OwesASyncForWhatOthersWrote) {
  records_.OweFrom(4096);
  EXPECT_TRUE(records_.needs_sync());
  EXPECT_EQ(records_.LowestOffset(), 4096u);
  records_.Add(Filled(8192, 8, 1));
  EXPECT_EQ(records_.Unwritten(records_.added()).size(), 1u);
  records_.NoteSynced(records_.added());
  EXPECT_FALSE(records_.needs_sync());
  EXPECT_EQ(records_.LowestOffset(), UINT64_MAX);
}

TEST_F(UnsyncedRecordsTest, APartThatCouldNotBeWrittenIsTakenBack) {
  records_.Add(Filled(0, 8, 1));
  Write();
  records_.Add(Filled(8, 8, 2));
  records_.TakeBackLast();
  EXPECT_EQ(records_.kept_bytes(), 8u);
  EXPECT_EQ(records_.unwritten_bytes(), 0u);
  records_.Add(Filled(8, 8, 3));
  EXPECT_EQ(*records_.Find(8, 8, 1), 3);
}

// A sync in one thread writes what another one gives up meanwhile.
TEST_F(UnsyncedRecordsTest, PartsOutliveTheirRecord) {
  records_.Add(Filled(0, 8, 7));
  const auto parts = records_.Unwritten(records_.added());
  records_.NoteSynced(records_.added());
  EXPECT_EQ(parts[0].view()[7], 7);
}

}  // namespace
}  // namespace strata::wal
