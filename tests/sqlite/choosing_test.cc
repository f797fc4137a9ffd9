// Which log a database gets.

#include <fstream>

#include "tests/sqlite/fork_fixture.h"

namespace strata::sqlite_test {
namespace {

using ChoosingTest = ForkTest;

// All ChoosingTests stand for uri.test of SQLite's suite (tests/sqlite_suite/exceptions).

TEST_F(ChoosingTest, DatabaseWithoutParametersBehavesAsUpstream) {
  Connection connection(Path());
  ASSERT_EQ(connection.Value("PRAGMA journal_mode=wal"), "wal");
  ASSERT_EQ(connection.Run("CREATE TABLE t(a); INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_TRUE(LogIsFile());
  EXPECT_TRUE(std::filesystem::exists(Path() + "-shm"));
  ASSERT_EQ(connection.Close(), SQLITE_OK);
  EXPECT_FALSE(LogExists());
  EXPECT_FALSE(std::filesystem::exists(Path() + "-shm"));
  EXPECT_EQ(fake_engine_record()->opens, 0);
}

TEST_F(ChoosingTest, UriSelectsTheEngineAndSwitchesToWal) {
  Connection connection(Uri("wal=fake"));
  ASSERT_EQ(connection.result(), SQLITE_OK) << connection.Message();
  EXPECT_EQ(connection.Value("PRAGMA journal_mode"), "wal");
  EXPECT_TRUE(LogIsDirectory());
  EXPECT_EQ(fake_engine_record()->opens, 1);
}

TEST_F(ChoosingTest, UnknownValueIsAnError) {
  Connection connection(Uri("wal=nonsense"));
  EXPECT_EQ(connection.result(), SQLITE_ERROR);
  EXPECT_EQ(connection.Message(), "wal=nonsense: no such write-ahead log");
}

TEST_F(ChoosingTest, StoreWithoutTheEngineIsAnError) {
  Connection connection(Uri("store=/tmp/nowhere"));
  EXPECT_EQ(connection.result(), SQLITE_ERROR);
}

TEST_F(ChoosingTest, UnknownValueInTheEnvironmentIsAnError) {
  setenv("STRATA_WAL", "nonsense", 1);
  Connection connection(Path());
  EXPECT_EQ(connection.result(), SQLITE_ERROR);
  EXPECT_EQ(connection.Message(), "STRATA_WAL=nonsense: no such write-ahead log");
}

TEST_F(ChoosingTest, EnvironmentIsTheDefaultOfDatabasesInWalMode) {
  setenv("STRATA_WAL", "fake", 1);
  Connection connection(Path());
  ASSERT_EQ(connection.Value("PRAGMA journal_mode"), "delete");
  ASSERT_EQ(connection.Value("PRAGMA journal_mode=wal"), "wal");
  ASSERT_EQ(connection.Run("CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_TRUE(LogIsDirectory());
}

TEST_F(ChoosingTest, ZeroInTheEnvironmentIsNoChoice) {
  setenv("STRATA_WAL", "0", 1);
  Connection connection(Path());
  ASSERT_EQ(connection.Run("PRAGMA journal_mode=wal; CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_TRUE(LogIsFile());
}

TEST_F(ChoosingTest, BuiltinOverridesTheEnvironment) {
  setenv("STRATA_WAL", "fake", 1);
  Connection connection(Uri("wal=builtin"));
  ASSERT_EQ(connection.Run("PRAGMA journal_mode=wal; CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_TRUE(LogIsFile());
}

TEST_F(ChoosingTest, ExistingLogSelectsItsEngine) {
  Connection first(Uri("wal=fake"));
  ASSERT_EQ(first.Run("CREATE TABLE t(a); INSERT INTO t VALUES(7)"), SQLITE_OK);
  Connection second(Path());
  EXPECT_EQ(second.Value("SELECT a FROM t"), "7");
  EXPECT_EQ(fake_engine_record()->opens, 2);
}

TEST_F(ChoosingTest, BuiltinDoesNotOpenAnEngineLog) {
  Connection first(Uri("wal=fake"));
  ASSERT_EQ(first.Run("CREATE TABLE t(a)"), SQLITE_OK);
  Connection second(Uri("wal=builtin"));
  EXPECT_EQ(second.Run("SELECT * FROM t"), SQLITE_CANTOPEN);
}

TEST_F(ChoosingTest, AttachedDatabaseIsSwitched) {
  Connection connection(":memory:");
  ASSERT_EQ(connection.Run("ATTACH '" + Uri("wal=fake") + "' AS b"), SQLITE_OK)
      << connection.Message();
  EXPECT_EQ(connection.Value("PRAGMA b.journal_mode"), "wal");
  ASSERT_EQ(connection.Run("CREATE TABLE b.t(a)"), SQLITE_OK);
  EXPECT_TRUE(LogIsDirectory());
}

TEST_F(ChoosingTest, AttachedDatabaseIsSwitchedInsideATransaction) {
  Connection connection(Path("other.db"));
  ASSERT_EQ(connection.Run("BEGIN; CREATE TABLE u(a); ATTACH '" + Uri("wal=fake") + "' AS b"),
            SQLITE_OK)
      << connection.Message();
  ASSERT_EQ(connection.Run("CREATE TABLE b.t(a); ROLLBACK"), SQLITE_OK);
  EXPECT_EQ(connection.Value("SELECT count(*) FROM b.sqlite_schema"), "0");
  EXPECT_TRUE(LogIsDirectory());
}

TEST_F(ChoosingTest, AttachWithAnUnknownValueFails) {
  Connection connection(":memory:");
  EXPECT_EQ(connection.Run("ATTACH '" + Uri("wal=nonsense") + "' AS b"), SQLITE_ERROR);
  EXPECT_EQ(connection.Message(), "wal=nonsense: no such write-ahead log");
  EXPECT_EQ(connection.Value("SELECT count(*) FROM pragma_database_list"), "1");
}

TEST_F(ChoosingTest, VfsWithoutSharedMemoryIsRefused) {
  Connection connection("file:/shared?vfs=memdb&wal=fake");
  EXPECT_EQ(connection.result(), SQLITE_ERROR);
}

TEST_F(ChoosingTest, ReadOnlyRollbackDatabaseIsRefused) {
  ASSERT_EQ(Connection(Path()).Run("CREATE TABLE t(a)"), SQLITE_OK);
  Connection connection(Uri("wal=fake&mode=ro"));
  EXPECT_EQ(connection.result(), SQLITE_READONLY);
  EXPECT_EQ(connection.Message(), "wal=fake: a read-only database cannot be switched to WAL");
}

TEST_F(ChoosingTest, ReadOnlyIsToldToTheEngine) {
  Connection writer(Uri("wal=fake"));
  ASSERT_EQ(writer.Run("CREATE TABLE t(a)"), SQLITE_OK);
  EXPECT_EQ(fake_engine_record()->read_only, 0);
  Connection reader(Uri("wal=fake&mode=ro"));
  EXPECT_EQ(reader.Value("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(fake_engine_record()->read_only, 1);
}

TEST_F(ChoosingTest, SwitchKeepsTheContents) {
  ASSERT_EQ(
      Connection(Path()).Run("PRAGMA page_size=8192; CREATE TABLE t(a); INSERT INTO t VALUES(5)"),
      SQLITE_OK);
  Connection connection(Uri("wal=fake"));
  EXPECT_EQ(connection.Value("SELECT a FROM t"), "5");
  EXPECT_EQ(connection.Value("PRAGMA page_size"), "8192");
}

TEST_F(ChoosingTest, LeftoverOfACrashedProgramIsRecoveredFirst) {
  LeaveBuiltinLog("CREATE TABLE t(a); INSERT INTO t VALUES(42)");
  Connection connection(Uri("wal=fake"));
  ASSERT_EQ(connection.result(), SQLITE_OK) << connection.Message();
  EXPECT_TRUE(LogIsDirectory());
  EXPECT_EQ(connection.Value("SELECT a FROM t"), "42");
  EXPECT_EQ(connection.Value("PRAGMA integrity_check"), "ok");
}

TEST_F(ChoosingTest, EmptyLeftoverIsReplaced) {
  LeaveBuiltinLog("CREATE TABLE t(a); PRAGMA wal_checkpoint(truncate)");
  ASSERT_EQ(std::filesystem::file_size(Log()), 0u);
  Connection connection(Uri("wal=fake"));
  EXPECT_EQ(connection.Value("SELECT count(*) FROM t"), "0");
  EXPECT_TRUE(LogIsDirectory());
}

TEST_F(ChoosingTest, LeftoverThatAnotherConnectionUsesIsBusy) {
  Connection other(Uri("wal=builtin"));
  ASSERT_EQ(other.Run("PRAGMA journal_mode=wal; CREATE TABLE t(a)"), SQLITE_OK);
  setenv("STRATA_WAL", "fake", 1);
  Connection connection(Path());
  EXPECT_EQ(connection.Run("SELECT * FROM t"), SQLITE_BUSY);
  EXPECT_TRUE(LogIsFile());
  EXPECT_EQ(other.Run("INSERT INTO t VALUES(1)"), SQLITE_OK);
}

TEST_F(ChoosingTest, ReadOnlyConnectionReadsALeftoverAsUpstream) {
  LeaveBuiltinLog("CREATE TABLE t(a); INSERT INTO t VALUES(42)");
  Connection connection(Uri("wal=fake&mode=ro"));
  EXPECT_EQ(connection.Value("SELECT a FROM t"), "42");
  EXPECT_EQ(fake_engine_record()->opens, 0);
}

TEST_F(ChoosingTest, LogBesideAnEmptyDatabaseIsDeletedByItsEngine) {
  std::ofstream(Path()).flush();
  ASSERT_TRUE(std::filesystem::create_directory(Log()));
  Connection connection(Path());
  EXPECT_EQ(connection.Run("CREATE TABLE t(a)"), SQLITE_OK) << connection.Message();
  EXPECT_EQ(fake_engine_record()->deletes, 1);
  EXPECT_FALSE(LogExists());
}

// Stands for wal4.test of SQLite's suite.
TEST_F(ChoosingTest, LogWithCommitsBesideAnEmptyDatabaseStaysAndCannotBeOpened) {
  std::ofstream(Path()).flush();
  ASSERT_TRUE(std::filesystem::create_directory(Log()));
  fake_engine_answer_delete_with(SQLITE_CANTOPEN);
  Connection connection(Path());
  EXPECT_EQ(connection.Run("CREATE TABLE t(a)"), SQLITE_CANTOPEN);
  EXPECT_TRUE(LogIsDirectory());
}

}  // namespace
}  // namespace strata::sqlite_test
