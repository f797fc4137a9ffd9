// Transactions of one and several connections, on Strata as on stock SQLite.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/sqlite_surface/session.h"

namespace strata::sqlite_surface {
namespace {

// All TransactionTests stand for wal.test and wal2.test of SQLite's suite
// (tests/sqlite_suite/exceptions).

// Stands for wal6.test and walprotocol2.test of SQLite's suite.
TEST(TransactionTest, StaleSnapshotCannotBecomeAWriter) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3* other = s.OpenWal();
    s.Run(db, "BEGIN; SELECT count(*) FROM t");
    s.Run(other, "INSERT INTO t(b) VALUES(1)");
    s.Run(db, "INSERT INTO t(b) VALUES(2)");
    s.Note("code", s.api().extended_errcode(db));
    s.Run(db, "SELECT count(*) FROM t; COMMIT; INSERT INTO t(b) VALUES(2); SELECT count(*) FROM t");
  });
}

// And with a log that another connection started again, when nothing was committed.
TEST(TransactionTest, DataVersionRisesWithTheCommitsOfOthers) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3* other = s.OpenWal();
    s.Run(db, "INSERT INTO t(b) VALUES(1); PRAGMA data_version");
    s.Run(db, "BEGIN; INSERT INTO t(b) VALUES(2); ROLLBACK; PRAGMA data_version");
    s.Run(other, "PRAGMA data_version; BEGIN; INSERT INTO t(b) VALUES(2); ROLLBACK");
    s.Run(db, "PRAGMA data_version");
    s.Run(other, "INSERT INTO t(b) VALUES(3)");
    s.Run(db, "PRAGMA data_version");
    s.Run(other, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA data_version");
    s.Run(db, "PRAGMA data_version; INSERT INTO t(b) VALUES(4); PRAGMA data_version");
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA data_version");
    s.Run(other, "PRAGMA data_version");
  });
}

// Stands for walsetlk.test of SQLite's suite.
TEST(TransactionTest, SecondWriterIsBusyAndAReaderIsNot) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3* other = s.OpenWal();
    s.Run(db, "BEGIN IMMEDIATE; INSERT INTO t(b) VALUES(1)");
    s.Run(other, "SELECT count(*) FROM t");
    s.Run(other, "INSERT INTO t(b) VALUES(2)");
    s.Run(other, "BEGIN IMMEDIATE");
    s.Run(other, "BEGIN EXCLUSIVE");
    s.Run(other, "BEGIN; SELECT count(*) FROM t");
    s.Run(other, "INSERT INTO t(b) VALUES(2)");
    s.Run(db, "COMMIT");
    s.Run(other, "INSERT INTO t(b) VALUES(2)");
    s.Run(other, "ROLLBACK; INSERT INTO t(b) VALUES(2); SELECT count(*) FROM t");
  });
}

int CountCalls(void* calls, int) { return ++*static_cast<int*>(calls) < 5; }

TEST(TransactionTest, BusyHandlerIsAskedUntilItGivesUp) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3* other = s.OpenWal();
    int calls = 0;
    s.api().busy_handler(other, CountCalls, &calls);
    s.Run(db, "BEGIN IMMEDIATE");
    s.Run(other, "INSERT INTO t(b) VALUES(2)");
    s.Note("calls", calls);
    calls = 0;
    s.Run(other, "BEGIN IMMEDIATE");
    s.Note("calls", calls);
  });
}

// Stands for waloverwrite.test of SQLite's suite.
TEST(TransactionTest, SavepointsAndSpillsRollBackExactly) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA cache_size=5; BEGIN");
    s.AddRows(db);
    s.Run(db,
          "SAVEPOINT one; UPDATE t SET b='one'||b WHERE a%2=0; SAVEPOINT two; DELETE FROM t WHERE "
          "a<100");
    s.Run(db, "ROLLBACK TO two; SELECT count(*), sum(length(b)) FROM t");
    s.AddRows(db);
    s.Run(db, "RELEASE two; ROLLBACK TO one; SELECT count(*), sum(length(b)) FROM t; RELEASE one");
    s.Run(db, "COMMIT; SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
    s.Run(db, "BEGIN");
    s.AddRows(db);
    s.Run(db,
          "DROP TABLE t; ROLLBACK; SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    s.NotePages();
  });
}

TEST(TransactionTest, CacheFlushWritesWithinTheTransaction) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "BEGIN");
    s.AddRows(db);
    s.Note("flush", s.api().db_cacheflush(db));
    s.Run(db, "UPDATE t SET b='x' WHERE a<10; ROLLBACK; SELECT count(*) FROM t; BEGIN");
    s.AddRows(db);
    s.Note("flush", s.api().db_cacheflush(db));
    s.Run(db, "COMMIT; SELECT count(*) FROM t; PRAGMA wal_checkpoint(TRUNCATE)");
    s.NotePages();
  });
}

TEST(TransactionTest, VacuumInPlaceAndIntoAFile) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    s.Run(db, "DELETE FROM t WHERE a%4<>0; PRAGMA page_count; VACUUM; PRAGMA page_count");
    s.Run(db, "VACUUM INTO 'copy.db'");
    s.NotePages("copy.db");
    s.Run(db, "PRAGMA integrity_check; PRAGMA wal_checkpoint(TRUNCATE)");
    s.NotePages();
    sqlite3* reader = s.OpenWal();
    s.Run(reader, "BEGIN; SELECT count(*) FROM t");
    s.Run(db, "VACUUM; INSERT INTO t(b) VALUES(1)");
    s.Run(reader, "SELECT count(*) FROM t; COMMIT; SELECT count(*) FROM t");
  });
}

TEST(TransactionTest, IncrementalAndFullAutoVacuum) {
  for (const char* mode : {"INCREMENTAL", "FULL"}) {
    ExpectSame([mode](Session& s) {
      sqlite3* db = s.Open();
      s.Run(db, std::string("PRAGMA auto_vacuum=") + mode + "; PRAGMA journal_mode=wal");
      s.Run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
      s.AddRows(db);
      s.Run(db, "DELETE FROM t WHERE a>20; PRAGMA page_count; PRAGMA incremental_vacuum(5)");
      s.Run(db, "PRAGMA page_count; PRAGMA freelist_count; PRAGMA wal_checkpoint(TRUNCATE)");
      s.NotePages();
    });
  }
}

TEST(TransactionTest, AttachedDatabasesCommitTogether) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3* second = s.OpenWal("second.db");
    s.Close(second);
    s.Run(db, "ATTACH 'second.db' AS s2");
    s.Run(db,
          "PRAGMA s2.journal_mode; BEGIN; INSERT INTO t(b) VALUES(1); INSERT INTO s2.t(b) "
          "VALUES(2); COMMIT");
    s.Run(db, "BEGIN; INSERT INTO t(b) VALUES(3); INSERT INTO s2.t(b) VALUES(4); ROLLBACK");
    s.Run(db, "SELECT count(*) FROM t; SELECT count(*) FROM s2.t; PRAGMA wal_checkpoint");
    s.Run(db, "PRAGMA s2.wal_checkpoint(TRUNCATE)");
    s.NotePages("second.db");
    s.Run(db, "DETACH s2; SELECT count(*) FROM t");
  });
}

// A database with a rollback journal, one with SQLite's own log and one with Strata's.
TEST(TransactionTest, DatabasesOfThreeKindsCommitTogether) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "ATTACH 'file:rollback.db' AS r; ATTACH 'file:builtin.db?wal=builtin' AS w");
    s.Run(db, "PRAGMA r.journal_mode=DELETE; PRAGMA w.journal_mode=WAL");
    s.Run(db, "CREATE TABLE r.t(a); CREATE TABLE w.t(a)");
    for (const char* end : {"COMMIT", "ROLLBACK"}) {
      s.Run(db,
            "BEGIN; INSERT INTO t(b) VALUES(1); INSERT INTO r.t VALUES(2);"
            "INSERT INTO w.t VALUES(3); UPDATE t SET b=b+1");
      s.Run(db, end);
    }
    s.Note("rollback.db-wal", std::filesystem::exists(s.Path("rollback.db-wal")));
    s.Note("builtin.db-wal", std::filesystem::is_regular_file(s.Path("builtin.db-wal")));
    for (const std::string name : {"app.db", "rollback.db", "builtin.db"}) {
      sqlite3* other = s.Open(name, name == "builtin.db" ? "wal=builtin" : "");
      s.Run(other, "PRAGMA journal_mode; SELECT * FROM t; PRAGMA integrity_check");
      s.Close(other);
    }
    // Who holds one of them keeps the whole commit out.
    sqlite3* holder = s.Open("rollback.db");
    s.Run(holder, "BEGIN; SELECT * FROM t");
    s.Run(db,
          "BEGIN; INSERT INTO t(b) VALUES(5); INSERT INTO r.t VALUES(6); INSERT INTO w.t "
          "VALUES(7); COMMIT");
    s.Run(holder, "COMMIT");
    s.Run(db,
          "COMMIT; SELECT b FROM main.t UNION ALL SELECT * FROM r.t UNION ALL SELECT * FROM w.t");
  });
  Session s(Library::Strata());
  s.OpenWal();
  EXPECT_TRUE(std::filesystem::is_directory(s.Path("app.db-wal")));
}

// VACUUM INTO gives a plain file; wal=strata counts when that is opened.
TEST(TransactionTest, VacuumIntoAUriWithALog) {
  Session s(Library::Strata());
  sqlite3* db = s.OpenWal();
  s.AddRows(db);
  EXPECT_EQ(s.Run(db, "VACUUM INTO 'file:copy.db?wal=strata'"), SQLITE_OK);
  EXPECT_FALSE(std::filesystem::exists(s.Path("copy.db-wal")));
  EXPECT_EQ(s.Run(db, "VACUUM INTO 'file:copy.db?wal=strata'"), SQLITE_ERROR);
  EXPECT_STREQ(s.api().errmsg(db), "output file already exists");
  EXPECT_EQ(s.Run(db, "VACUUM INTO 'file:other.db?wal=nonsense'"), SQLITE_ERROR);
  EXPECT_STREQ(s.api().errmsg(db), "wal=nonsense: no such write-ahead log");
  sqlite3* copy = s.Open("copy.db", "wal=strata");
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(s.Value(copy, "SELECT count(*) FROM t"), "200");
  EXPECT_TRUE(std::filesystem::is_directory(s.Path("copy.db-wal")));
  EXPECT_EQ(s.Value(copy, "PRAGMA integrity_check"), "ok");
}

// Stands for walvfs.test and interrupt2.test of SQLite's suite.
TEST(TransactionTest, InterruptAndProgressStopAStatement) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    s.api().progress_handler(
        db, 100, [](void*) { return 1; }, nullptr);
    s.Run(db, "UPDATE t SET b=b||'x'");
    s.api().progress_handler(db, 0, nullptr, nullptr);
    s.Run(db, "SELECT count(*), sum(length(b)) FROM t");
    s.Run(db, "BEGIN; UPDATE t SET b='y' WHERE a=1");
    s.api().progress_handler(
        db, 100, [](void* session) { return static_cast<Session*>(session) != nullptr ? 1 : 0; },
        &s);
    s.Run(db, "UPDATE t SET b=b||'x'");
    s.api().progress_handler(db, 0, nullptr, nullptr);
    s.Note("autocommit", s.api().get_autocommit(db));
    s.Run(db, "SELECT count(*), sum(length(b)) FROM t");
  });
}

// What a statement of `s` waits for is held by another connection; SQLite's own log would sleep
// through the interrupt.
TEST(TransactionTest, InterruptEndsTheWaitForTheWriteLock) {
  Session s(Library::Strata());
  sqlite3* holder = s.OpenWal();
  s.Run(holder, "BEGIN IMMEDIATE; INSERT INTO t(b) VALUES(1)");
  for (const char* statement : {"BEGIN IMMEDIATE", "INSERT INTO t(b) VALUES(2)"}) {
    sqlite3* waiter = s.Open();
    s.Run(waiter, "SELECT count(*) FROM t");
    s.api().busy_timeout(waiter, 3'600'000);
    std::atomic<bool> done{false};
    std::thread interrupter([&] {
      while (!done) {
        usleep(10'000);
        s.api().interrupt(waiter);
      }
    });
    char* message = nullptr;
    EXPECT_EQ(s.api().exec(waiter, statement, nullptr, nullptr, &message), SQLITE_INTERRUPT)
        << statement;
    done = true;
    interrupter.join();
    s.api().free(message);
    EXPECT_EQ(s.api().get_autocommit(waiter), 1);
  }
  EXPECT_EQ(s.Run(holder, "COMMIT"), SQLITE_OK);
}

TEST(TransactionTest, InterruptFromTheProgressHandler) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    struct Both {
      Session* session;
      sqlite3* db;
    } both{&s, db};
    s.api().progress_handler(
        db, 50,
        [](void* argument) {
          auto* both = static_cast<Both*>(argument);
          both->session->api().interrupt(both->db);
          return 0;
        },
        &both);
    s.Run(db, "UPDATE t SET b=b||'x'");
    s.api().progress_handler(db, 0, nullptr, nullptr);
    s.Run(db, "SELECT count(*), sum(length(b)) FROM t; INSERT INTO t(b) VALUES(1)");
  });
}

int NoteCommit(void* session) {
  static_cast<Session*>(session)->Note("commit hook");
  return 0;
}

TEST(TransactionTest, CommitAndRollbackHooksAreCalledAlike) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.api().commit_hook(db, NoteCommit, &s);
    s.api().rollback_hook(
        db, [](void* session) { static_cast<Session*>(session)->Note("rollback hook"); }, &s);
    s.Run(db, "INSERT INTO t(b) VALUES(1); BEGIN; INSERT INTO t(b) VALUES(2); ROLLBACK");
    s.Run(db, "BEGIN; SELECT 1; COMMIT; UPDATE t SET b=3 WHERE a=77");
    s.api().commit_hook(
        db, [](void*) { return 1; }, nullptr);
    s.Run(db, "INSERT INTO t(b) VALUES(5)");
    s.api().commit_hook(db, nullptr, nullptr);
    s.Run(db, "SELECT count(*) FROM t");
  });
}

}  // namespace
}  // namespace strata::sqlite_surface
