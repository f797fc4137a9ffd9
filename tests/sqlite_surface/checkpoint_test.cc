// Checkpoints and what decides about them, on Strata as on stock SQLite.

#include <gtest/gtest.h>

#include "tests/sqlite_surface/session.h"

namespace strata::sqlite_surface {
namespace {

const char* const kModes[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};

void Fill(Session& s, sqlite3* db, int rows) {
  s.Run(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" +
                std::to_string(rows) + ") INSERT INTO t(b) SELECT hex(zeroblob(300)) FROM n");
}

// All CheckpointTests stand for wal.test of SQLite's suite (tests/sqlite_suite/exceptions).

// Stands for e_walckpt.test and wal5.test of SQLite's suite.
TEST(CheckpointTest, EachModeReportsItsThreeColumns) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint=0");
    for (const char* mode : kModes) {
      Fill(s, db, 50);
      for (int i = 0; i < 2; ++i) s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
      Fill(s, db, 1);
      s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    }
    s.NotePages();
  });
}

TEST(CheckpointTest, OutsideOfWalModeTheColumnsSayNothing) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.Open();
    s.Run(
        db,
        "CREATE TABLE t(a); PRAGMA wal_checkpoint; PRAGMA journal_mode=wal; PRAGMA wal_checkpoint");
  });
}

TEST(CheckpointTest, FirstCheckpointOfANewDatabaseIsNotHeldByItsOwnConnection) {
  for (const char* mode : kModes) {
    ExpectSame([mode](Session& s) {
      sqlite3* db = s.Open();
      s.Run(db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=wal");
      s.Run(s.Open(), "SELECT * FROM none");
      s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    });
  }
}

TEST(CheckpointTest, OldReaderLimitsEachMode) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint=0; PRAGMA wal_checkpoint(TRUNCATE)");
    Fill(s, db, 20);
    sqlite3* reader = s.OpenWal();
    s.Run(reader, "BEGIN; SELECT count(*) FROM t");
    Fill(s, db, 30);
    for (const char* mode : kModes) s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    s.Run(reader, "SELECT count(*) FROM t; COMMIT; SELECT count(*) FROM t");
    for (const char* mode : kModes) s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    s.NotePages();
  });
}

// Stands for wal3.test of SQLite's suite.
TEST(CheckpointTest, ReaderAtTheTipLetsFullPassAndHoldsRestart) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint=0");
    Fill(s, db, 20);
    sqlite3* reader = s.OpenWal();
    s.Run(reader, "BEGIN; SELECT count(*) FROM t");
    for (const char* mode : kModes) s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    s.Run(reader, "COMMIT");
  });
}

TEST(CheckpointTest, OpenWriterIsBusyForAllButPassive) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint=0");
    Fill(s, db, 20);
    sqlite3* writer = s.OpenWal();
    s.Run(writer, "BEGIN IMMEDIATE; INSERT INTO t(b) VALUES('x')");
    for (const char* mode : kModes) s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    for (const char* mode : kModes)
      s.Run(writer, std::string("PRAGMA wal_checkpoint(") + mode + ")");
    s.Run(writer, "COMMIT");
  });
}

// Stands for e_walckpt.test of SQLite's suite.
TEST(CheckpointTest, InterfaceFunctionReportsAsThePragma) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint=0");
    Fill(s, db, 20);
    for (int mode : {-2, -1, 0, 1, 2, 3, 4}) {
      int frames = -7, copied = -7;
      s.Note("mode", mode);
      s.Note("code", s.api().wal_checkpoint_v2(db, "main", mode, &frames, &copied));
      s.Note("frames", frames);
      s.Note("copied", copied);
    }
    s.Note("unknown database", s.api().wal_checkpoint_v2(db, "nosuch", 0, nullptr, nullptr));
  });
}

int AppendFrames(void* session, sqlite3*, const char* database, int frames) {
  static_cast<Session*>(session)->Note(std::string("hook ") + database, frames);
  return SQLITE_OK;
}

int Refuse(void*, sqlite3*, const char*, int) { return SQLITE_AUTH; }

// Stands for e_walhook.test of SQLite's suite.
TEST(CheckpointTest, WalHookIsToldTheFramesOfEachCommit) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.api().wal_hook(db, AppendFrames, &s);
    Fill(s, db, 3);
    s.Run(db, "BEGIN; INSERT INTO t(b) VALUES(1); INSERT INTO t(b) VALUES(2); COMMIT");
    s.Run(db, "BEGIN; INSERT INTO t(b) VALUES(3); ROLLBACK");
    s.Run(db, "BEGIN; SELECT * FROM t LIMIT 1; COMMIT");
    s.Run(db, "CREATE TABLE u(x); DROP TABLE u");
    Fill(s, db, 200);
    s.Run(db, "PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t(b) VALUES(4)");
    s.Run(db, "PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t(b) VALUES(5)");
  });
}

TEST(CheckpointTest, ErrorOfTheWalHookIsTheStatements) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.api().wal_hook(db, Refuse, nullptr);
    s.Run(db, "INSERT INTO t(b) VALUES(1)");
    s.api().wal_hook(db, nullptr, nullptr);
    s.Run(db, "SELECT count(*) FROM t");
  });
}

TEST(CheckpointTest, AutocheckpointIsASettingOfTheConnection) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint; PRAGMA wal_autocheckpoint=17; PRAGMA wal_autocheckpoint");
    s.Note("set", s.api().wal_autocheckpoint(db, 0));
    s.Run(db, "PRAGMA wal_autocheckpoint");
    sqlite3* other = s.Open();
    s.Run(other, "PRAGMA wal_autocheckpoint");
  });
}

// Strata copies in the background: not at once, but without being asked again.
// Stands for e_walauto.test and walhook.test of SQLite's suite.
TEST(CheckpointTest, AutocheckpointReachesTheDatabaseFile) {
  for (const Library* library : {&Library::Stock(), &Library::Strata()}) {
    Session s(*library);
    sqlite3* db = s.OpenWal();
    s.Run(db, "PRAGMA wal_autocheckpoint=10");
    Fill(s, db, 500);
    s.Run(db, "INSERT INTO t(b) VALUES(1)");
    bool reached = false;
    for (int i = 0; i < 1000 && !reached; ++i) {
      reached = std::filesystem::file_size(s.Path()) > 40 * 4096;
      if (!reached) usleep(10'000);
    }
    EXPECT_TRUE(reached);
  }
}

// Bytes of the log: of a file, or of a directory's log files and what is kept to become one.
int64_t LogBytes(const Session& s) {
  const std::filesystem::path log = s.Path("app.db-wal");
  if (!std::filesystem::is_directory(log))
    return static_cast<int64_t>(std::filesystem::file_size(log));
  uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(log)) {
    const std::string name = entry.path().filename();
    if (name != "lock" && name != "shm" && name != "identity" && name != "ledger")
      bytes += entry.file_size();
  }
  return static_cast<int64_t>(bytes);
}

constexpr int64_t kOneCommit = 8 * 4200;  // that a commit of Fill(…, 1) is surely below

// Log and database as they are after a checkpoint and the next commit.
int64_t BytesAfterRestart(Session& s, sqlite3* db, const char* mode) {
  Fill(s, db, 400);
  EXPECT_GT(LogBytes(s), 200'000);
  s.Run(db, std::string("PRAGMA wal_checkpoint(") + mode + ")");
  Fill(s, db, 1);
  return LogBytes(s);
}

// Stands for wal7.test of SQLite's suite.
TEST(CheckpointTest, JournalSizeLimitIsKept) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db,
          "PRAGMA journal_size_limit; PRAGMA journal_size_limit=100000; PRAGMA journal_size_limit");
    EXPECT_LE(BytesAfterRestart(s, db, "PASSIVE"), 100'000);
    EXPECT_LE(BytesAfterRestart(s, db, "RESTART"), 100'000);
    s.Run(db, "PRAGMA journal_size_limit=0");
    EXPECT_LE(BytesAfterRestart(s, db, "FULL"), kOneCommit);
    s.Run(db, "PRAGMA journal_size_limit=-1; SELECT count(*) FROM t");
    EXPECT_GT(BytesAfterRestart(s, db, "FULL"), 200'000);
  });
}

// What SQLite's log does with several limits depends on who writes first; on Strata the last one
// set counts.
TEST(CheckpointTest, LastJournalSizeLimitOfAllConnectionsCounts) {
  Session s(Library::Strata());
  sqlite3* db = s.OpenWal();
  sqlite3* other = s.Open();
  s.Run(other, "PRAGMA journal_size_limit=0; SELECT count(*) FROM t");
  EXPECT_LE(BytesAfterRestart(s, db, "PASSIVE"), kOneCommit);
  s.Run(db, "PRAGMA journal_size_limit=-1");
  EXPECT_GT(BytesAfterRestart(s, other, "PASSIVE"), 200'000);
  sqlite3* third = s.Open();
  s.Run(third, "PRAGMA journal_size_limit=100000; SELECT count(*) FROM t");
  s.Close(third);
  EXPECT_LE(BytesAfterRestart(s, db, "TRUNCATE"), 100'000);
}

}  // namespace
}  // namespace strata::sqlite_surface
