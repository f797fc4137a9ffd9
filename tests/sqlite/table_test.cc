// The engine's table, driven as a pager drives it, without SQLite.

#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "sqlite/engine_wal.h"
#include "tests/sqlite/table_fixture.h"

namespace strata::sqlite_test {
namespace {

TEST_F(TableTest, EveryEntryIsThere) {
  const auto& table = engine();
  EXPECT_EQ(table.version, 3);
  EXPECT_STREQ(table.name, "strata");
  EXPECT_EQ(table.uses_shared_memory, 0);
  const auto* first = reinterpret_cast<void* const*>(&table.open);
  const auto* last = reinterpret_cast<void* const*>(&table.last_error);
  for (const auto* entry = first; entry <= last; ++entry)
    EXPECT_NE(*entry, nullptr) << entry - first;
  EXPECT_NE(table.frame_count, nullptr);
  EXPECT_NE(table.read_frame_raw, nullptr);
  EXPECT_NE(table.frame_bytes, nullptr);
  EXPECT_NE(table.savepoint_forget, nullptr);
  EXPECT_NE(table.file, nullptr);
  EXPECT_NE(table.watch_checkpoints, nullptr);
}

TEST_F(TableTest, CommitIsSeenByTheNextSnapshotAndNotByAnOlderOne) {
  strata_wal* writer = Open();
  strata_wal* reader = Open();
  Commit(writer, {{1, 'a'}, {2, 'b'}}, 2);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
  Commit(writer, {{2, 'c'}, {3, 'd'}}, 3);
  EXPECT_EQ(PageInLog(reader, 2), 'b');
  EXPECT_EQ(PageInLog(reader, 3), -1);
  EXPECT_EQ(engine().database_pages(reader), 2u);
  engine().end_read(reader);
  ASSERT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(PageInLog(reader, 2), 'c');
  EXPECT_EQ(engine().database_pages(reader), 3u);
  engine().end_read(reader);
  ASSERT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
  EXPECT_EQ(changed, 0);
  engine().end_read(reader);
  Close(reader);
  Close(writer);
}

TEST_F(TableTest, OneWritesAndStaleSnapshotsCannot) {
  strata_wal* first = Open();
  strata_wal* second = Open();
  Commit(first, {{1, 'a'}}, 1);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(first, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_read(second, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(first), SQLITE_OK);
  EXPECT_EQ(engine().begin_write(second), SQLITE_BUSY);
  EXPECT_EQ(engine().write_lock(second, 1), SQLITE_BUSY);
  ASSERT_EQ(Append(first, {{1, 'b'}}, 1), SQLITE_OK);
  ASSERT_EQ(engine().end_write(first), SQLITE_OK);
  EXPECT_EQ(engine().begin_write(second), SQLITE_BUSY_SNAPSHOT);
  engine().end_read(second);
  ASSERT_EQ(engine().write_lock(second, 1), SQLITE_OK);
  EXPECT_EQ(engine().write_lock(second, 0), SQLITE_OK);
  engine().end_read(first);
  Close(second);
  Close(first);
}

TEST_F(TableTest, UndoNamesTheSpilledPages) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}, {2, 'b'}}, 2);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{2, 'x'}, {3, 'y'}}, 0), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 2), 'x');
  std::set<uint32_t> undone;
  const auto note = [](void* to, uint32_t page) {
    static_cast<std::set<uint32_t>*>(to)->insert(page);
    return SQLITE_OK;
  };
  EXPECT_EQ(engine().undo(wal, note, &undone), SQLITE_OK);
  EXPECT_EQ(undone, (std::set<uint32_t>{2, 3}));
  EXPECT_EQ(PageInLog(wal, 2), 'b');
  ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  Close(wal);
}

TEST_F(TableTest, SavepointIsGoneBackToAndForgotten) {
  strata_wal* wal = Open();
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'a'}}, 0), SQLITE_OK);
  uint32_t outer[STRATA_SAVEPOINT_WORDS];
  uint32_t inner[STRATA_SAVEPOINT_WORDS];
  engine().savepoint(wal, outer);
  ASSERT_EQ(Append(wal, {{2, 'b'}}, 0), SQLITE_OK);
  engine().savepoint(wal, inner);
  engine().savepoint_forget(wal, inner);
  EXPECT_EQ(PageInLog(wal, 2), 'b');
  ASSERT_EQ(engine().savepoint_undo(wal, outer), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 2), -1);
  ASSERT_EQ(Append(wal, {{1, 'c'}}, 1), SQLITE_OK);
  ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 1), 'c');
  EXPECT_EQ(engine().database_pages(wal), 1u);
  engine().end_read(wal);
  Close(wal);
}

TEST_F(TableTest, FrameCountFollowsSnapshotAndOpenTransaction) {
  strata_wal* wal = Open();
  strata_wal* reader = Open();
  EXPECT_EQ(FrameCount(wal), 0u);
  EXPECT_EQ(engine().frame_bytes(wal), 0);
  Commit(wal, {{1, 'a'}, {2, 'b'}}, 2);
  EXPECT_EQ(FrameCount(wal), 2u);
  EXPECT_EQ(engine().frame_bytes(wal), kPageBytes);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'c'}}, 0), SQLITE_OK);
  EXPECT_EQ(FrameCount(wal), 3u);
  ASSERT_EQ(Append(wal, {{2, 'd'}}, 2), SQLITE_OK);
  EXPECT_EQ(FrameCount(wal), 4u);
  EXPECT_EQ(FrameCount(reader), 2u);
  ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  engine().end_read(reader);
  EXPECT_EQ(FrameCount(reader), 4u);
  EXPECT_EQ(engine().callback(wal, 0, 0), 4);
  EXPECT_EQ(engine().callback(wal, 0, 0), 0);
  Close(reader);
  Close(wal);
}

uint32_t BigEndian(const uint8_t* from) {
  return uint32_t{from[0]} << 24 | uint32_t{from[1]} << 16 | uint32_t{from[2]} << 8 | from[3];
}

TEST_F(TableTest, RawFrameHasPageNumberAndCommitSize) {
  strata_wal* wal = Open();
  Commit(wal, {{7, 'a'}, {2, 'b'}}, 9);
  std::vector<uint8_t> raw(STRATA_RAW_HEADER_BYTES + kPageBytes);
  const int bytes = static_cast<int>(raw.size());
  ASSERT_EQ(engine().read_frame_raw(wal, 1, bytes, raw.data()), SQLITE_OK);
  EXPECT_EQ(BigEndian(raw.data()), 7u);
  EXPECT_EQ(BigEndian(raw.data() + 4), 0u);
  EXPECT_EQ(raw[STRATA_RAW_HEADER_BYTES], 'a');
  EXPECT_EQ(raw.back(), 'a');
  ASSERT_EQ(engine().read_frame_raw(wal, 2, bytes, raw.data()), SQLITE_OK);
  EXPECT_EQ(BigEndian(raw.data()), 2u);
  EXPECT_EQ(BigEndian(raw.data() + 4), 9u);
  EXPECT_NE(BigEndian(raw.data() + 8), 0u);  // of a random log id
  EXPECT_EQ(raw.back(), 'b');
  EXPECT_EQ(engine().read_frame_raw(wal, 0, bytes, raw.data()), SQLITE_ERROR);
  EXPECT_EQ(engine().read_frame_raw(wal, 3, bytes, raw.data()), SQLITE_ERROR);
  Close(wal);
}

TEST_F(TableTest, RawFrameIsCutOffWhereTheBufferEnds) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  std::vector<uint8_t> raw(STRATA_RAW_HEADER_BYTES + 8, 'z');
  ASSERT_EQ(engine().read_frame_raw(wal, 1, STRATA_RAW_HEADER_BYTES + 4, raw.data()), SQLITE_OK);
  EXPECT_EQ(raw[STRATA_RAW_HEADER_BYTES + 3], 'a');
  EXPECT_EQ(raw[STRATA_RAW_HEADER_BYTES + 4], 'z');
  ASSERT_EQ(engine().read_frame_raw(wal, 1, 4, raw.data()), SQLITE_OK);
  EXPECT_EQ(BigEndian(raw.data()), 1u);
  Close(wal);
}

TEST_F(TableTest, FramesAreReadByNumberToo) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  Commit(wal, {{1, 'b'}}, 1);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  std::vector<uint8_t> page(kPageBytes);
  ASSERT_EQ(engine().read_frame(wal, 1, kPageBytes, page.data()), SQLITE_OK);
  EXPECT_EQ(page.front(), 'a');
  ASSERT_EQ(engine().read_frame(wal, 2, kPageBytes, page.data()), SQLITE_OK);
  EXPECT_EQ(page.front(), 'b');
  EXPECT_EQ(engine().read_frame(wal, 3, kPageBytes, page.data()), SQLITE_ERROR);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'c'}}, 0), SQLITE_OK);
  ASSERT_EQ(engine().read_frame(wal, 3, kPageBytes, page.data()), SQLITE_OK);
  EXPECT_EQ(page.front(), 'c');
  ASSERT_EQ(engine().undo(
                wal, [](void*, uint32_t) { return SQLITE_OK; }, nullptr),
            SQLITE_OK);
  ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  Close(wal);
}

TEST_F(TableTest, CommitsMayFollowEachOtherInOneWriteTransaction) {
  strata_wal* wal = Open();
  strata_wal* other = Open();
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'a'}}, 1), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{2, 'b'}}, 0), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'c'}}, 2), SQLITE_OK);
  ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  ASSERT_EQ(engine().begin_read(other, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(other, 1), 'c');
  EXPECT_EQ(PageInLog(other, 2), 'b');
  EXPECT_EQ(FrameCount(other), 3u);
  engine().end_read(other);
  Close(other);
  Close(wal);
}

TEST_F(TableTest, FollowingCommitOnAStaleSnapshotIsRefused) {
  strata_wal* wal = Open();
  strata_wal* other = Open();
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'a'}}, 1), SQLITE_OK);
  Commit(other, {{1, 'b'}}, 1);
  EXPECT_EQ(Append(wal, {{1, 'c'}}, 1), SQLITE_BUSY_SNAPSHOT);
  EXPECT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 1), 'b');
  engine().end_read(wal);
  Close(other);
  Close(wal);
}

TEST_F(TableTest, ACommitThatWasRefusedIsRefusedAgainAndWritesNothing) {
  strata_wal* wal = Open();
  strata_wal* other = Open();
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{1, 'a'}}, 1), SQLITE_OK);
  ASSERT_EQ(engine().begin_read(other, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(other), SQLITE_OK);
  EXPECT_EQ(Append(wal, {{1, 'c'}}, 1) & 0xff, SQLITE_BUSY);
  EXPECT_EQ(Append(wal, {{1, 'd'}}, 1) & 0xff, SQLITE_BUSY);
  ASSERT_EQ(Append(other, {{1, 'b'}}, 1), SQLITE_OK);
  ASSERT_EQ(engine().end_write(other), SQLITE_OK);
  engine().end_read(other);
  EXPECT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 1), 'b');
  EXPECT_EQ(FrameCount(wal), 2u);
  engine().end_read(wal);
  Close(other);
  Close(wal);
}

TEST_F(TableTest, TheWriteLockTakenAgainBetweenTwoCommitsChangesNothing) {
  strata_wal* wal = Open();
  strata_wal* other = Open();
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{2, 'a'}}, 0), SQLITE_OK);  // spilled
  ASSERT_EQ(Append(wal, {{1, 'a'}}, 2), SQLITE_OK);
  ASSERT_EQ(engine().write_lock(wal, 1), SQLITE_OK);
  ASSERT_EQ(Append(wal, {{2, 'b'}}, 2), SQLITE_OK);
  int frames = 0;
  int copied = 0;
  EXPECT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_FULL, &frames, &copied), SQLITE_OK);
  Commit(other, {{1, 'd'}}, 2);  // the checkpoint gave its lock back
  ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
  engine().end_read(wal);
  ASSERT_EQ(engine().begin_read(other, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(other, 1), 'd');
  engine().end_read(other);
  EXPECT_EQ(DatabaseBytes().substr(0, 1), "a");
  EXPECT_EQ(DatabaseBytes().substr(kPageBytes, 1), "b");
  Close(other);
  Close(wal);
}

TEST_F(TableTest, NumbersThatNoFrameHasAndBuffersOfNoSizeAreRefused) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  int changed = 0;
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(wal, 1), 'a');
  std::vector<uint8_t> bytes(2 * kPageBytes, 7);
  EXPECT_EQ(engine().read_frame(wal, 0, kPageBytes, bytes.data()), SQLITE_ERROR);
  EXPECT_EQ(engine().read_frame(wal, 2, kPageBytes, bytes.data()), SQLITE_ERROR);
  EXPECT_EQ(engine().read_frame(wal, 1, -1, bytes.data()), SQLITE_MISUSE);
  EXPECT_EQ(engine().read_frame_raw(wal, 1, -1, bytes.data()), SQLITE_MISUSE);
  EXPECT_EQ(bytes, std::vector<uint8_t>(2 * kPageBytes, 7));
  EXPECT_EQ(engine().read_frame(wal, 1, 2 * kPageBytes, bytes.data()), SQLITE_OK);
  EXPECT_EQ(bytes.front(), 'a');
  EXPECT_EQ(bytes.back(), 0);
  engine().end_read(wal);
  Close(wal);
}

TEST_F(TableTest, DatabaseDeletedUnderAConnectionLeavesItsSuccessorAlone) {
  strata_wal* old = Open();
  Commit(old, {{1, 'a'}}, 1);
  std::filesystem::remove(database_);
  std::filesystem::remove_all(log_);
  std::ofstream(database_).close();
  strata_wal* fresh = Open();
  Commit(fresh, {{1, 'b'}}, 1);
  std::vector<uint8_t> buffer(kPageBytes);
  EXPECT_EQ(engine().close(old, connection(), kFullSync, kPageBytes, buffer.data(), 0),
            SQLITE_BUSY);  // there is a log of that name
  EXPECT_TRUE(std::filesystem::exists(log_));
  EXPECT_EQ(DatabaseBytes(), "");
  int changed = 0;
  ASSERT_EQ(engine().begin_read(fresh, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(fresh, 1), 'b');
  engine().end_read(fresh);
  Close(fresh);
  EXPECT_FALSE(std::filesystem::exists(log_));
  EXPECT_EQ(DatabaseBytes().at(0), 'b');
}

TEST_F(TableTest, SnapshotIsOpenedAgainUntilTheLogStartsAnew) {
  strata_wal* wal = Open();
  strata_wal* reader = Open();
  unsigned char older[48] = {};
  unsigned char newer[48] = {};
  int changed = 0;
  Commit(wal, {{1, 'a'}}, 1);
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().snapshot_get(wal, older), SQLITE_OK);
  engine().end_read(wal);
  Commit(wal, {{1, 'b'}}, 1);
  ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
  ASSERT_EQ(engine().snapshot_get(wal, newer), SQLITE_OK);
  engine().end_read(wal);
  EXPECT_LT(engine().snapshot_compare(older, newer), 0);
  EXPECT_EQ(engine().snapshot_recover(reader), SQLITE_OK);
  ASSERT_EQ(engine().snapshot_check(reader, older), SQLITE_OK);
  engine().snapshot_open(reader, older);
  ASSERT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
  engine().snapshot_unlock(reader);
  EXPECT_EQ(PageInLog(reader, 1), 'a');
  engine().end_read(reader);
  engine().snapshot_open(reader, nullptr);
  int frames = 0;
  int copied = 0;
  ASSERT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_TRUNCATE, &frames, &copied), SQLITE_OK);
  EXPECT_EQ(engine().snapshot_check(reader, older), SQLITE_ERROR_SNAPSHOT);
  Close(reader);
  Close(wal);
}

TEST_F(TableTest, ASnapshotThatAReaderHasOpenOutlivesCheckpointAndCommit) {
  strata_wal* wal = Open();
  strata_wal* reader = Open();
  strata_wal* third = Open();
  unsigned char snapshot[48] = {};
  int changed = 0;
  Commit(wal, {{1, 'a'}}, 1);
  ASSERT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
  ASSERT_EQ(engine().snapshot_get(reader, snapshot), SQLITE_OK);
  int frames = 0;
  int copied = 0;
  ASSERT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
  EXPECT_EQ(copied, 1);
  Commit(wal, {{1, 'b'}}, 1);
  EXPECT_EQ(engine().snapshot_check(third, snapshot), SQLITE_OK);
  engine().end_read(reader);
  ASSERT_EQ(Checkpoint(wal, STRATA_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
  Commit(wal, {{1, 'c'}}, 1);
  EXPECT_EQ(engine().snapshot_check(third, snapshot), SQLITE_ERROR_SNAPSHOT);
  Close(third);
  Close(reader);
  Close(wal);
}

TEST_F(TableTest, ModesAndTheFileAnswerAsSqliteExpects) {
  strata_wal* wal = Open();
  engine().limit(wal, 1 << 20);
  engine().set_connection(wal, connection());
  EXPECT_EQ(engine().exclusive_mode(wal, -1), 1);
  EXPECT_EQ(engine().exclusive_mode(wal, 1), 1);
  EXPECT_EQ(engine().exclusive_mode(wal, -1), 0);
  EXPECT_EQ(engine().exclusive_mode(wal, 0), 1);
  EXPECT_EQ(engine().heap_memory(wal), 0);
  ASSERT_NE(engine().file(wal), nullptr);
  EXPECT_EQ(engine().file(wal)->pMethods, nullptr);
  engine().set_connection(wal, nullptr);
  Close(wal);
}

TEST_F(TableTest, LogIsThereWhileItIsOpenAndGoneAfterACleanClose) {
  int is_log = 1;
  ASSERT_EQ(engine().is_log(nullptr, log_.c_str(), &is_log), SQLITE_OK);
  EXPECT_EQ(is_log, 0);
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  ASSERT_EQ(engine().is_log(nullptr, log_.c_str(), &is_log), SQLITE_OK);
  EXPECT_NE(is_log, 0);
  Close(wal);
  ASSERT_EQ(engine().is_log(nullptr, log_.c_str(), &is_log), SQLITE_OK);
  EXPECT_EQ(is_log, 0);
  EXPECT_FALSE(std::filesystem::exists(log_));
  EXPECT_EQ(DatabaseBytes(), std::string(kPageBytes, 'a'));
}

TEST_F(TableTest, LogWithCommitsIsNotDeleted) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  std::vector<uint8_t> buffer(kPageBytes);
  ASSERT_EQ(engine().close(wal, nullptr, kFullSync, kPageBytes, buffer.data(), 1), SQLITE_OK);
  ASSERT_TRUE(std::filesystem::is_directory(log_));
  const int before = TableHostMessages();
  EXPECT_EQ(engine().delete_log(nullptr, log_.c_str()), SQLITE_CANTOPEN);
  EXPECT_GT(TableHostMessages(), before);
  strata_wal* again = Open();
  int changed = 0;
  ASSERT_EQ(engine().begin_read(again, &changed), SQLITE_OK);
  EXPECT_EQ(PageInLog(again, 1), 'a');
  engine().end_read(again);
  Close(again);
}

// A thread of the parent may have held a mutex of the log, which nobody in the child gives back.
TEST_F(TableTest, AForkedChildIsRefusedWithoutWaiting) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}}, 1);
  pid_t child = 0;
  {
    io::MutexLock lock(&wal->connection->log().state().append_mutex);
    child = fork();
    if (child == 0) {
      alarm(10);
      int has_store = 0;
      int64_t frame = 0;
      const char* json = nullptr;
      const bool refused = engine().frame(wal, &frame) == SQLITE_MISUSE &&
                           engine().durable_frame(wal, &has_store, &frame) == SQLITE_MISUSE &&
                           engine().status(wal, &json) == SQLITE_MISUSE;
      _exit(refused ? 0 : 1);
    }
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Close(wal);
}

}  // namespace
}  // namespace strata::sqlite_test
