// What reaches an engine through sqlite3Wal…(), and what comes back.

#include <stdio.h>

#include "tests/sqlite/fork_fixture.h"

namespace strata::sqlite_test {
namespace {

using DispatchTest = ForkTest;

constexpr char kManyRows[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) "
    "INSERT INTO t SELECT randomblob(500) FROM n";

TEST_F(DispatchTest, CommitsAreReadBackByOtherConnections) {
  Connection writer(Uri("wal=fake"));
  Connection reader(Path());
  ASSERT_EQ(writer.Run("CREATE TABLE t(a); INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_EQ(reader.Value("SELECT count(*) FROM t"), "1");
  ASSERT_EQ(writer.Run("INSERT INTO t VALUES(2)"), SQLITE_OK);
  EXPECT_EQ(reader.Value("SELECT count(*) FROM t"), "2");
}

TEST_F(DispatchTest, CleanCloseLeavesAPlainDatabase) {
  {
    Connection writer(Uri("wal=fake"));
    ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
    ASSERT_EQ(writer.Run(kManyRows), SQLITE_OK);
  }
  EXPECT_FALSE(LogExists());
  Connection plain(Uri("wal=builtin"));
  EXPECT_EQ(plain.Value("SELECT count(*) FROM t"), "2000");
  EXPECT_EQ(plain.Value("PRAGMA integrity_check"), "ok");
}

TEST_F(DispatchTest, LargeCommitArrivesInOneCall) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  ASSERT_EQ(writer.Run(kManyRows), SQLITE_OK);
  EXPECT_GT(fake_engine_record()->largest_append, 64);
  EXPECT_EQ(writer.Value("PRAGMA integrity_check"), "ok");
}

TEST_F(DispatchTest, SpilledTransactionIsUndone) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("PRAGMA cache_size=10; CREATE TABLE t(a); INSERT INTO t VALUES(1); BEGIN"),
            SQLITE_OK);
  ASSERT_EQ(writer.Run(kManyRows), SQLITE_OK);
  ASSERT_EQ(writer.Run("ROLLBACK"), SQLITE_OK);
  EXPECT_GT(fake_engine_record()->undone_pages, 0);
  EXPECT_EQ(writer.Value("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(writer.Value("PRAGMA integrity_check"), "ok");
}

TEST_F(DispatchTest, SavepointIsUndoneAlone) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(
      writer.Run(
          "PRAGMA cache_size=10; CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES(1); SAVEPOINT s"),
      SQLITE_OK);
  ASSERT_EQ(writer.Run(kManyRows), SQLITE_OK);
  ASSERT_EQ(writer.Run("ROLLBACK TO s; COMMIT"), SQLITE_OK);
  EXPECT_EQ(writer.Value("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(writer.Value("PRAGMA integrity_check"), "ok");
}

TEST_F(DispatchTest, WriteLockIsAskedForBeforeTheSnapshot) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  sqlite3_busy_timeout(writer.handle(), 321);
  const int before = fake_engine_record()->write_locks;
  ASSERT_EQ(writer.Run("INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_EQ(fake_engine_record()->write_locks, before + 1);
  EXPECT_EQ(fake_engine_record()->busy_timeout_ms, 321);
}

TEST_F(DispatchTest, OwnBusyHandlerIsNoTimeout) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  sqlite3_busy_timeout(writer.handle(), 321);
  sqlite3_busy_handler(
      writer.handle(), [](void*, int) { return 0; }, nullptr);
  ASSERT_EQ(writer.Run("INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_EQ(fake_engine_record()->busy_timeout_ms, 0);
}

TEST_F(DispatchTest, SecondWriterIsBusy) {
  Connection first(Uri("wal=fake"));
  ASSERT_EQ(first.Run("CREATE TABLE t(a); BEGIN IMMEDIATE"), SQLITE_OK);
  Connection second(Path());
  EXPECT_EQ(second.Run("INSERT INTO t VALUES(1)"), SQLITE_BUSY);
  ASSERT_EQ(first.Run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(second.Run("INSERT INTO t VALUES(1)"), SQLITE_OK);
}

TEST_F(DispatchTest, DefaultHookIsLeftToTheEngine) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("PRAGMA wal_autocheckpoint=1; CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_EQ(fake_engine_record()->default_hooks, 1);
  EXPECT_EQ(fake_engine_record()->autocheckpoint, 1);
}

TEST_F(DispatchTest, OwnHookGetsTheFrames) {
  Connection writer(Uri("wal=fake"));
  int frames = 0;
  const auto keep = [](void* to, sqlite3*, const char*, int count) {
    *static_cast<int*>(to) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(writer.handle(), keep, &frames);
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_GT(frames, 0);
  EXPECT_EQ(fake_engine_record()->default_hooks, 0);
}

TEST_F(DispatchTest, CheckpointReportsTheEnginesFrames) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  int log = -1;
  int done = -1;
  ASSERT_EQ(
      sqlite3_wal_checkpoint_v2(writer.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &log, &done),
      SQLITE_OK);
  EXPECT_GT(log, 0);
  EXPECT_EQ(done, log);
}

TEST_F(DispatchTest, PersistentLogAndForbiddenCheckpointReachClose) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  int keep = 1;
  ASSERT_EQ(sqlite3_file_control(writer.handle(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_db_config(writer.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr),
            SQLITE_OK);
  ASSERT_EQ(writer.Close(), SQLITE_OK);
  EXPECT_EQ(fake_engine_record()->kept, 1);
  EXPECT_EQ(fake_engine_record()->close_connection, 0);
}

TEST_F(DispatchTest, JournalPointerIsAFileThatIsNotOpen) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  sqlite3_file* journal = nullptr;
  ASSERT_EQ(sqlite3_file_control(writer.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal),
            SQLITE_OK);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(journal->pMethods, nullptr);
}

TEST_F(DispatchTest, LeavingWalModeClosesTheLog) {
  Connection writer(Path());
  setenv("STRATA_WAL", "fake", 1);
  ASSERT_EQ(writer.Run("PRAGMA journal_mode=wal; CREATE TABLE t(a); INSERT INTO t VALUES(3)"),
            SQLITE_OK);
  ASSERT_TRUE(LogIsDirectory());
  EXPECT_EQ(writer.Value("PRAGMA journal_mode=delete"), "delete");
  EXPECT_FALSE(LogExists());
  EXPECT_EQ(writer.Value("SELECT a FROM t"), "3");
}

TEST_F(DispatchTest, SnapshotsOfAnEngineAreOrderedAndReopened) {
  Connection writer(Uri("wal=fake"));
  Connection reader(Path());
  sqlite3_snapshot* old_one = nullptr;
  sqlite3_snapshot* new_one = nullptr;
  ASSERT_EQ(writer.Run("CREATE TABLE t(a); INSERT INTO t VALUES(1)"), SQLITE_OK);
  ASSERT_EQ(reader.Run("BEGIN; SELECT * FROM t"), SQLITE_OK);
  ASSERT_EQ(sqlite3_snapshot_get(reader.handle(), "main", &old_one), SQLITE_OK);
  ASSERT_EQ(reader.Run("COMMIT"), SQLITE_OK);
  ASSERT_EQ(writer.Run("INSERT INTO t VALUES(2)"), SQLITE_OK);
  ASSERT_EQ(reader.Run("BEGIN; SELECT * FROM t"), SQLITE_OK);
  ASSERT_EQ(sqlite3_snapshot_get(reader.handle(), "main", &new_one), SQLITE_OK);
  EXPECT_LT(sqlite3_snapshot_cmp(old_one, new_one), 0);
  ASSERT_EQ(reader.Run("COMMIT; BEGIN"), SQLITE_OK);
  ASSERT_EQ(sqlite3_snapshot_open(reader.handle(), "main", old_one), SQLITE_OK);
  EXPECT_EQ(reader.Value("SELECT count(*) FROM t"), "1");
  sqlite3_snapshot_free(old_one);
  sqlite3_snapshot_free(new_one);
}

TEST_F(DispatchTest, SnapshotOfAnotherKindOfLogIsRefused) {
  Connection plain("file:" + Path("plain.db") + "?wal=builtin");
  sqlite3_snapshot* snapshot = nullptr;
  ASSERT_EQ(plain.Run("PRAGMA journal_mode=wal; CREATE TABLE t(a); BEGIN; SELECT * FROM t"),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_snapshot_get(plain.handle(), "main", &snapshot), SQLITE_OK);
  Connection reader(Uri("wal=fake"));
  ASSERT_EQ(reader.Run("CREATE TABLE t(a); BEGIN"), SQLITE_OK);
  EXPECT_EQ(sqlite3_snapshot_open(reader.handle(), "main", snapshot), SQLITE_ERROR_SNAPSHOT);
  ASSERT_EQ(reader.Run("ROLLBACK"), SQLITE_OK);
  EXPECT_EQ(reader.Value("SELECT count(*) FROM t"), "0");
  sqlite3_snapshot_free(snapshot);
}

TEST_F(DispatchTest, EngineNameIsTakenOnce) {
  strata_wal_methods again = {};
  again.version = 1;
  again.name = "fake";
  EXPECT_EQ(strata_wal_register(&again, nullptr), SQLITE_MISUSE);
  again.name = "builtin";
  EXPECT_EQ(strata_wal_register(&again, nullptr), SQLITE_MISUSE);
}

}  // namespace
}  // namespace strata::sqlite_test
