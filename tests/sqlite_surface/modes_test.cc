// Ways to open a database and to change how it is kept, on Strata as on stock SQLite.

#include <gtest/gtest.h>

#include <fstream>

#include "tests/sqlite_surface/session.h"

namespace strata::sqlite_surface {
namespace {

// Stands for wal2.test and superlock.test of SQLite's suite.
TEST(ModesTest, ExclusiveLockingKeepsOthersOut) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t(b) VALUES(1); SELECT count(*) FROM t");
    sqlite3* other = s.Open();
    s.Run(other, "SELECT count(*) FROM t");
    s.Run(db, "PRAGMA locking_mode=NORMAL; SELECT count(*) FROM t");
    s.Run(other, "SELECT count(*) FROM t; INSERT INTO t(b) VALUES(2)");
    s.Run(db, "SELECT count(*) FROM t");
  });
}

TEST(ModesTest, ExclusiveLockingFromTheStart) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.Open();
    s.Run(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=wal; CREATE TABLE t(a, b)");
    s.Run(db, "INSERT INTO t(b) VALUES(1)");
    sqlite3* other = s.Open();
    s.Run(other, "SELECT count(*) FROM t");
    s.Run(db, "PRAGMA locking_mode=NORMAL; SELECT count(*) FROM t");
    s.Run(other, "SELECT count(*) FROM t");
    s.Close(db);
    s.Run(other, "SELECT count(*) FROM t");
  });
}

// Stands for walmode.test of SQLite's suite.
TEST(ModesTest, JournalModeGoesBothWays) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    for (const char* mode :
         {"delete", "wal", "truncate", "wal", "persist", "wal", "memory", "wal"}) {
      s.Run(db, std::string("PRAGMA journal_mode=") + mode + "; INSERT INTO t(b) VALUES('" + mode +
                    "')");
      s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
    }
    s.Run(db, "PRAGMA journal_mode=delete; PRAGMA integrity_check");
    s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
    s.NotePages();
  });
}

TEST(ModesTest, LeavingWalNeedsTheDatabaseForItself) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3* other = s.OpenWal();
    s.Run(other, "SELECT count(*) FROM t");
    s.Run(db, "PRAGMA journal_mode=delete");
    s.Run(db, "INSERT INTO t(b) VALUES(1)");
    s.Close(other);
    s.Run(db, "PRAGMA journal_mode=delete; SELECT count(*) FROM t");
  });
}

TEST(ModesTest, PageSizeChangesByLeavingWalAndComingBack) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    s.Run(db, "PRAGMA page_size=8192; VACUUM; PRAGMA page_size");
    s.Run(db, "PRAGMA journal_mode=delete; PRAGMA page_size=16384; VACUUM; PRAGMA page_size");
    s.Run(db, "PRAGMA journal_mode=wal; INSERT INTO t(b) VALUES('after'); SELECT count(*) FROM t");
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA integrity_check");
    s.NotePages("app.db", 16384);
  });
}

// Stands for walpersist.test of SQLite's suite.
TEST(ModesTest, PersistWalKeepsTheLogAndItsCommits) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    int on = 1;
    s.Note("set", s.api().file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on));
    s.AddRows(db);
    s.Close(db);
    s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
    db = s.Open();
    s.Run(db, "SELECT count(*) FROM t; INSERT INTO t(b) VALUES(1); PRAGMA integrity_check");
    s.Close(db);
    s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
  });
}

// Stands for nockpt.test of SQLite's suite.
TEST(ModesTest, NoCheckpointOnCloseLeavesEverythingInTheLog) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    int on = 0;
    s.Note("set", s.api().db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on));
    s.Note("on", on);
    s.AddRows(db);
    s.Close(db);
    s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
    s.NotePages();
    db = s.Open();
    s.Run(db, "SELECT count(*) FROM t");
    s.Close(db);
    s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
    s.NotePages();
  });
}

// Stands for chunksize.test, fallocate.test and multiplex2.test of SQLite's suite.
TEST(ModesTest, DatabaseGrowsByTheChunksThatWereAskedFor) {
  ExpectSame([](Session& s) {
    int chunk = 1 << 20;
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    s.Note("set", s.api().file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk));
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    s.Note("size", static_cast<int64_t>(std::filesystem::file_size(s.Path())));
    s.Run(db, "DELETE FROM t; VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA integrity_check");
    s.Note("size", static_cast<int64_t>(std::filesystem::file_size(s.Path())));
    s.Close(db);
    // Also when it is said before there is a log.
    chunk = 3 << 20;
    db = s.Open();
    s.Note("set", s.api().file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk));
    s.AddRows(db);
    s.AddRows(db);
    s.Run(db, "UPDATE t SET b=zeroblob(5000); PRAGMA wal_checkpoint(TRUNCATE); PRAGMA page_count");
    s.Note("size", static_cast<int64_t>(std::filesystem::file_size(s.Path())));
    s.Close(db);
    s.Note("size", static_cast<int64_t>(std::filesystem::file_size(s.Path())));
    s.Run(s.Open(), "SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
  });
}

// Stands for walro.test and walro2.test of SQLite's suite.
TEST(ModesTest, ReadOnlyConnectionReadsAndDoesNotWrite) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    s.Close(db);
    sqlite3* reader = s.Open("app.db", "", SQLITE_OPEN_READONLY);
    s.Note("read-only", s.api().db_readonly(reader, "main"));
    s.Run(reader, "SELECT count(*) FROM t; PRAGMA journal_mode; SELECT sum(a) FROM t");
    s.Run(reader, "INSERT INTO t(b) VALUES(1)");
    s.Run(reader, "PRAGMA wal_checkpoint");
    s.Close(reader);
    db = s.Open();
    s.Run(db, "INSERT INTO t(b) VALUES(1); SELECT count(*) FROM t");
  });
}

TEST(ModesTest, ImmutableReadsTheFileAndMakesNoLog) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.AddRows(db);
    s.Close(db);
    sqlite3* reader = s.Open("app.db", "immutable=1");
    s.Run(reader, "SELECT count(*) FROM t; INSERT INTO t(b) VALUES(1)");
    s.Note("log", std::filesystem::exists(s.Path("app.db-wal")));
  });
}

TEST(ModesTest, LargestAndSmallestPages) {
  for (const int size : {512, 1024, 65536}) {
    ExpectSame([size](Session& s) {
      sqlite3* db = s.Open();
      s.Run(db, "PRAGMA page_size=" + std::to_string(size) + "; PRAGMA journal_mode=wal");
      s.Run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); PRAGMA page_size");
      s.AddRows(db);
      s.Run(db, "UPDATE t SET b=zeroblob(70000) WHERE a%50=0; DELETE FROM t WHERE a%3=0");
      sqlite3* other = s.Open();
      s.Run(other, "SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
      s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
      s.NotePages("app.db", static_cast<size_t>(size));
    });
  }
}

TEST(ModesTest, MmapSizeChangesNothingThatIsRead) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA mmap_size=1000000");
    s.AddRows(db);
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3* other = s.Open();
    s.Run(other, "PRAGMA mmap_size=1000000; SELECT count(*), sum(length(b)) FROM t");
    s.Run(db, "UPDATE t SET b='new' WHERE a%2=0; DELETE FROM t WHERE a>150; VACUUM");
    s.Run(other, "SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    s.Run(other, "SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
    s.NotePages();
  });
}

// The page that holds the lock bytes is never written; the database is sparse up to it.
TEST(ModesTest, LockBytePageBeyondOneGibibyteIsSkipped) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.Open();
    s.Run(db, "PRAGMA page_size=65536; CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    s.Close(db);
    // 16,380 pages: the next ones are beside the lock-byte page, which is number 16,385.
    constexpr uint32_t kPages = 16380;
    {
      std::fstream file(s.Path(), std::ios::in | std::ios::out | std::ios::binary);
      const unsigned char size[4] = {0, 0, kPages >> 8, kPages & 0xff};
      file.seekp(28);
      file.write(reinterpret_cast<const char*>(size), 4);
    }
    std::filesystem::resize_file(s.Path(), uint64_t{kPages} * 65536);
    db = s.Open();
    s.Run(db, "PRAGMA journal_mode=wal; PRAGMA page_count");
    for (int i = 0; i < 12; ++i)
      s.Run(db, "INSERT INTO t(b) VALUES(randomblob(0)||zeroblob(60000))");
    s.Run(db, "PRAGMA page_count; SELECT count(*), sum(length(b)) FROM t");
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    s.Close(db);
    std::ifstream file(s.Path(), std::ios::binary);
    file.seekg(1 << 30);
    std::string page(65536, 'x');
    file.read(page.data(), 65536);
    s.Note("lock-byte page is empty", page == std::string(65536, '\0'));
    s.Note("bytes", static_cast<int64_t>(std::filesystem::file_size(s.Path())));
    db = s.Open();
    s.Run(db, "SELECT count(*), sum(length(b)) FROM t");
  });
}

}  // namespace
}  // namespace strata::sqlite_surface
