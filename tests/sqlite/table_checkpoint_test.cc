// The engine's table, driven as a pager drives it, without SQLite.

#include <set>

#include "sqlite/engine_wal.h"
#include "tests/sqlite/table_fixture.h"

namespace strata::sqlite_test {
namespace {

TEST_F(TableTest, CheckpointCopiesAndStartsTheCountAgain) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}, {2, 'b'}}, 2);
  int frames = 0;
  int copied = 0;
  ASSERT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
  EXPECT_EQ(frames, 2);
  EXPECT_EQ(copied, 2);
  EXPECT_EQ(DatabaseBytes(), std::string(kPageBytes, 'a') + std::string(kPageBytes, 'b'));
  ASSERT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_TRUNCATE, &frames, &copied), SQLITE_OK);
  EXPECT_EQ(frames, 0);
  EXPECT_EQ(FrameCount(wal), 0u);
  Commit(wal, {{2, 'c'}}, 2);
  EXPECT_EQ(FrameCount(wal), 1u);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 1), -1);
  EXPECT_EQ(PageInLog(wal, 2), 'c');
  engine().end_read(wal);
  Close(wal);
}

struct Watched {
  std::vector<std::array<int, 4>> pages;  // last frame, bytes, page, frame
  int ends = 0;
  int answer = SQLITE_OK;
};

int Watch(void* context, int last, const unsigned char* page, int bytes, int page_no, int frame) {
  auto* watched = static_cast<Watched*>(context);
  if (page == nullptr) {
    ++watched->ends;
  } else {
    watched->pages.push_back({last, bytes, page_no, frame});
  }
  return watched->answer;
}

TEST_F(TableTest, WatcherIsToldOfEachPageAndOfTheEnd) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}, {2, 'b'}}, 2);
  Commit(wal, {{1, 'c'}}, 2);
  Watched watched;
  engine().watch_checkpoints(wal, Watch, &watched);
  int frames = 0;
  int copied = 0;
  ASSERT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
  const std::set<std::array<int, 4>> pages(watched.pages.begin(), watched.pages.end());
  EXPECT_EQ(pages, (std::set<std::array<int, 4>>{{3, kPageBytes, 1, 3}, {3, kPageBytes, 2, 2}}));
  EXPECT_EQ(watched.ends, 1);
  engine().watch_checkpoints(wal, nullptr, nullptr);
  Close(wal);
  EXPECT_EQ(watched.ends, 1);
}

// Stands for e_walckpt.test of SQLite's suite, which asks from a VFS that is written through.
TEST_F(TableTest, CheckpointFromInsideACheckpointIsBusy) {
  using Test = std::remove_pointer_t<decltype(this)>;
  struct Both {
    Test* test;
    strata_wal* other;
    int result = -1;
    int frames = -1;
  } both{this, Open()};
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  const auto watch = [](void* context, int, const uint8_t*, int, int, int) {
    auto* asked = static_cast<Both*>(context);
    if (asked->result >= 0) return SQLITE_OK;
    asked->result =
        asked->test->Checkpoint(asked->other, STRATA_CHECKPOINT_PASSIVE, &asked->frames, nullptr);
    return SQLITE_OK;
  };
  engine().watch_checkpoints(wal, watch, &both);
  int copied = 0;
  EXPECT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, nullptr, &copied), SQLITE_OK);
  EXPECT_EQ(copied, 1);
  EXPECT_EQ(both.result, SQLITE_BUSY);
  EXPECT_EQ(both.frames, -1);
  engine().watch_checkpoints(wal, nullptr, nullptr);
  Close(both.other);
  Close(wal);
}

TEST_F(TableTest, WatcherAndInterruptEndACheckpoint) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}, {2, 'b'}}, 2);
  Watched watched;
  watched.answer = SQLITE_IOERR_WRITE;
  engine().watch_checkpoints(wal, Watch, &watched);
  int frames = 0;
  int copied = 0;
  EXPECT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_IOERR_WRITE);
  EXPECT_EQ(watched.pages.size(), 1u);
  EXPECT_EQ(watched.ends, 0);
  EXPECT_EQ(copied, 0);
  engine().watch_checkpoints(wal, nullptr, nullptr);
  SetTableHostInterrupted(true);
  EXPECT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_INTERRUPT);
  SetTableHostInterrupted(false);
  EXPECT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
  EXPECT_EQ(copied, 2);
  Close(wal);
}

// Stands for interrupt2.test of SQLite's suite.
TEST_F(TableTest, InterruptStopsTheCheckpointOfACloseAndTheLogStays) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  std::vector<uint8_t> buffer(kPageBytes);
  SetTableHostInterrupted(true);
  EXPECT_EQ(engine().close(wal, connection(), kFullSync, kPageBytes, buffer.data(), 0),
            SQLITE_INTERRUPT);
  SetTableHostInterrupted(false);
  EXPECT_TRUE(std::filesystem::exists(log_));
  EXPECT_EQ(DatabaseBytes(), "");
  Close(Open());
  EXPECT_FALSE(std::filesystem::exists(log_));
  EXPECT_EQ(DatabaseBytes().size(), static_cast<size_t>(kPageBytes));
}

// Stands for snapshot_up.test of SQLite's suite, where SQLite answers SQLITE_BUSY.
TEST_F(TableTest, SnapshotCanBeOpenedWhileACheckpointWaits) {
  using Test = std::remove_pointer_t<decltype(this)>;
  struct Waiting {
    Test* test;
    strata_wal* reader;
    unsigned char snapshot[48] = {};
    int page = -2;
  } waiting{this, Open()};
  strata_wal* wal = Open();
  strata_wal* writer = Open();
  int changed = 0;
  Commit(wal, {{1, 'a'}}, 1);
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().snapshot_get(wal, waiting.snapshot), SQLITE_OK);
  engine().end_read(wal);
  Commit(wal, {{1, 'b'}}, 1);
  ASSERT_EQ(engine().begin_read(writer, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(writer), SQLITE_OK);  // what the checkpoint waits for
  const auto busy = [](void* context) {
    auto* asked = static_cast<Waiting*>(context);
    const strata_wal_methods& engine = asked->test->engine();
    int ignored = 0;
    engine.snapshot_open(asked->reader, asked->snapshot);
    if (engine.begin_read(asked->reader, &ignored) == SQLITE_OK)
      asked->page = asked->test->PageInLog(asked->reader, 1);
    engine.snapshot_open(asked->reader, nullptr);
    return 0;
  };
  std::vector<uint8_t> buffer(kPageBytes);
  EXPECT_EQ(engine().checkpoint(wal, connection(), STRATA_CHECKPOINT_RESTART, busy, &waiting,
                                kFullSync, kPageBytes, buffer.data(), nullptr, nullptr),
            SQLITE_BUSY);
  EXPECT_EQ(waiting.page, 'a');
  engine().end_read(waiting.reader);
  ASSERT_EQ(engine().end_write(writer), SQLITE_OK);
  engine().end_read(writer);
  Close(waiting.reader);
  Close(writer);
  Close(wal);
}

// nockpt.test of SQLite's suite checks the same.
}  // namespace
}  // namespace strata::sqlite_test
