// What a connection is told of the pages that changed since its last snapshot.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/wal/log_world.h"

namespace strata::wal {
namespace {

using segment::PageNo;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Optional;

using Pages = std::vector<uint32_t>;

// What the next snapshot is told; nullopt: it is not known.
std::optional<Pages> Changed(Connection& connection, uint64_t limit = 100) {
  EXPECT_TRUE(connection.BeginRead().ok());
  Pages pages;
  const bool all =
      connection.ChangedPages(limit, [&](PageNo page) { pages.push_back(page.value()); });
  connection.EndRead();
  return all ? std::optional(pages) : std::nullopt;
}

class ChangedPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.Open().ok());
    ASSERT_TRUE(world_.CommitPages({{1, 1}, {2, 1}, {3, 1}}, 3).ok());
    reader_ = std::make_unique<Connection>(world_.log);
  }
  void TearDown() override { reader_.reset(); }

  LogWorld world_;
  std::unique_ptr<Connection> reader_;
};

TEST_F(ChangedPagesTest, NothingIsKnownOfTheFirstSnapshot) {
  EXPECT_EQ(Changed(*reader_), std::nullopt);
}

TEST_F(ChangedPagesTest, ThePagesOfOthersCommits) {
  Changed(*reader_);
  EXPECT_THAT(Changed(*reader_), Optional(IsEmpty()));
  ASSERT_TRUE(world_.CommitPages({{2, 2}}, 3).ok());
  ASSERT_TRUE(world_.CommitPages({{3, 2}, {2, 3}}, 3).ok());
  EXPECT_THAT(Changed(*reader_), Optional(ElementsAre(2, 3, 2)));
  EXPECT_THAT(Changed(*reader_), Optional(IsEmpty()));
}

TEST_F(ChangedPagesTest, NotThoseOfItsOwn) {
  ASSERT_TRUE(CommitPages(*reader_, {{1, 2}}, 3).ok());
  EXPECT_THAT(Changed(*reader_), Optional(IsEmpty()));
}

TEST_F(ChangedPagesTest, AtMostSoMany) {
  Changed(*reader_);
  ASSERT_TRUE(world_.CommitPages({{1, 2}, {2, 2}, {3, 2}}, 3).ok());
  EXPECT_EQ(Changed(*reader_, 2), std::nullopt);
}

TEST_F(ChangedPagesTest, NotKnownWhenTheCacheIsInDoubt) {
  Changed(*reader_);
  reader_->DoubtCache();
  EXPECT_EQ(Changed(*reader_), std::nullopt);
}

TEST_F(ChangedPagesTest, NotKnownOfAnOlderSnapshot) {
  Changed(*reader_);
  const CommitPoint old = reader_->snapshot();
  ASSERT_TRUE(world_.CommitPages({{2, 2}}, 3).ok());
  Changed(*reader_);
  ASSERT_TRUE(reader_->BeginReadAt(old, true).ok());
  EXPECT_FALSE(reader_->ChangedPages(100, [](PageNo) {}));
  reader_->EndRead();
  EXPECT_THAT(Changed(*reader_), Optional(ElementsAre(2)));
}

TEST_F(ChangedPagesTest, NotKnownBehindACheckpoint) {
  Changed(*reader_);
  ASSERT_TRUE(world_.CommitPages({{2, 2}}, 3).ok());
  ASSERT_TRUE(
      world_.log->Checkpoint(world_.log->state().commits->visible_frame(), true, false).ok());
  ASSERT_TRUE(world_.CommitPages({{3, 2}}, 3).ok());
  EXPECT_EQ(Changed(*reader_), std::nullopt);
  ASSERT_TRUE(world_.CommitPages({{1, 2}}, 3).ok());
  EXPECT_THAT(Changed(*reader_), Optional(ElementsAre(1)));
}

// Whoever has the write lock sees commits that are not durable yet, and may be given up.
TEST_F(ChangedPagesTest, WhatWasGivenUpChangesBack) {
  Changed(*reader_);
  world_.disk->FailOperation({.calls = support::kSyncCall, .for_ever = true});
  EXPECT_FALSE(world_.CommitPages({{2, 2}}, 3).ok());
  // As it was while the commit waited.
  const CommitPoint given_up{segment::FrameNo(4), 3, 0};
  ASSERT_TRUE(reader_->BeginReadAt(given_up).ok());
  reader_->EndRead();
  world_.disk->ClearFaults();
  ASSERT_TRUE(world_.CommitPages({{3, 2}}, 3).ok());
  EXPECT_THAT(Changed(*reader_), Optional(IsSupersetOf({2, 3})));
  EXPECT_THAT(*world_.Read(), ElementsAre(1, 1, 2));
}

}  // namespace
}  // namespace strata::wal
