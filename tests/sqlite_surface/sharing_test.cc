// Backup, snapshots, the shared cache: one database used in several ways, as on stock SQLite.

#include <gtest/gtest.h>

#include "tests/sqlite_surface/session.h"

namespace strata::sqlite_surface {
namespace {

// All BackupTests stand for walbak.test of SQLite's suite (tests/sqlite_suite/exceptions).

TEST(BackupTest, OfADatabaseInWalModeIntoAnother) {
  ExpectSame([](Session& s) {
    sqlite3* from = s.OpenWal();
    s.AddRows(from);
    sqlite3* to = s.OpenWal("to.db");
    sqlite3_backup* backup = s.api().backup_init(to, "main", from, "main");
    ASSERT_NE(backup, nullptr);
    for (int i = 0; i < 4; ++i) {
      s.Note("step", s.api().backup_step(backup, 5));
      s.Note("remaining", s.api().backup_remaining(backup));
      s.Note("pages", s.api().backup_pagecount(backup));
    }
    s.Run(from, "UPDATE t SET b='changed' WHERE a IN (1, 100, 199)");
    s.Note("step", s.api().backup_step(backup, 2));
    s.Note("rest", s.api().backup_step(backup, -1));
    s.Note("finish", s.api().backup_finish(backup));
    s.Run(to, "SELECT count(*), sum(length(b)) FROM t; PRAGMA integrity_check");
    s.Run(to, "PRAGMA wal_checkpoint(TRUNCATE)");
    s.NotePages("to.db");
  });
}

TEST(BackupTest, WriteByAnotherConnectionRestartsIt) {
  ExpectSame([](Session& s) {
    sqlite3* from = s.OpenWal();
    s.AddRows(from);
    sqlite3* writer = s.OpenWal();
    sqlite3* to = s.Open("to.db");
    sqlite3_backup* backup = s.api().backup_init(to, "main", from, "main");
    s.Note("step", s.api().backup_step(backup, 5));
    s.Run(writer, "INSERT INTO t(b) VALUES('more')");
    s.Note("step", s.api().backup_step(backup, 1));
    s.Note("remaining", s.api().backup_remaining(backup));
    s.Note("rest", s.api().backup_step(backup, -1));
    s.Note("finish", s.api().backup_finish(backup));
    s.Run(to, "SELECT count(*) FROM t; PRAGMA integrity_check");
  });
}

TEST(SnapshotTest, OldCommitIsReadAgain) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db,
          "PRAGMA wal_autocheckpoint=0; INSERT INTO t(b) VALUES(1); BEGIN; SELECT count(*) FROM t");
    sqlite3_snapshot* first = nullptr;
    sqlite3_snapshot* second = nullptr;
    s.Note("get", s.api().snapshot_get(db, "main", &first));
    s.Run(db, "COMMIT; INSERT INTO t(b) VALUES(2); BEGIN; SELECT count(*) FROM t");
    s.Note("get", s.api().snapshot_get(db, "main", &second));
    s.Note("order", s.api().snapshot_cmp(first, second) < 0);
    s.Note("same", s.api().snapshot_cmp(first, first));
    s.Run(db, "COMMIT; BEGIN");
    s.Note("open", s.api().snapshot_open(db, "main", first));
    s.Run(db, "SELECT count(*) FROM t; INSERT INTO t(b) VALUES(3)");
    s.Run(db, "ROLLBACK; BEGIN; SELECT count(*) FROM t");
    s.Note("open in a read transaction", s.api().snapshot_open(db, "main", first));
    s.Run(db, "SELECT count(*) FROM t; COMMIT; SELECT count(*) FROM t");
    s.api().snapshot_free(first);
    s.api().snapshot_free(second);
  });
}

TEST(SnapshotTest, CheckpointedSnapshotIsGone) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    s.Run(db, "INSERT INTO t(b) VALUES(1); BEGIN; SELECT count(*) FROM t");
    sqlite3_snapshot* snapshot = nullptr;
    s.Note("get", s.api().snapshot_get(db, "main", &snapshot));
    s.Run(db,
          "COMMIT; INSERT INTO t(b) VALUES(2); PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t(b) "
          "VALUES(3)");
    s.Run(db, "BEGIN");
    s.Note("open", s.api().snapshot_open(db, "main", snapshot));
    s.Run(db, "SELECT count(*) FROM t; ROLLBACK");
    s.Note("recover", s.api().snapshot_recover(db, "main"));
    s.api().snapshot_free(snapshot);
  });
}

TEST(SnapshotTest, WrongPlacesAreErrors) {
  ExpectSame([](Session& s) {
    sqlite3* db = s.OpenWal();
    sqlite3_snapshot* snapshot = nullptr;
    s.Note("outside", s.api().snapshot_get(db, "main", &snapshot));
    s.api().snapshot_free(snapshot);
    snapshot = nullptr;
    s.Run(db, "BEGIN; INSERT INTO t(b) VALUES(1)");
    s.Note("writing", s.api().snapshot_get(db, "main", &snapshot));
    s.Run(db, "ROLLBACK; PRAGMA journal_mode=delete; BEGIN; SELECT count(*) FROM t");
    s.Note("no wal", s.api().snapshot_get(db, "main", &snapshot));
    s.Note("no database", s.api().snapshot_get(db, "nosuch", &snapshot));
  });
}

TEST(SharedCacheTest, TablesAreLockedWithinTheCache) {
  ExpectSame([](Session& s) {
    sqlite3* setup = s.OpenWal();
    s.Run(setup, "CREATE TABLE u(x); INSERT INTO u VALUES(1)");
    sqlite3* a = s.Open("app.db", "cache=shared");
    sqlite3* b = s.Open("app.db", "cache=shared");
    s.Run(a, "BEGIN; INSERT INTO t(b) VALUES(1)");
    s.Run(b, "SELECT count(*) FROM u");
    s.Run(b, "SELECT count(*) FROM t");
    s.Run(b, "PRAGMA read_uncommitted=1; SELECT count(*) FROM t");
    s.Run(b, "INSERT INTO u VALUES(2)");
    s.Run(a, "COMMIT");
    s.Run(b, "SELECT count(*) FROM t; INSERT INTO u VALUES(2); SELECT count(*) FROM u");
    s.Run(setup, "SELECT count(*) FROM t; SELECT count(*) FROM u");
  });
}

TEST(SharedCacheTest, UnlockNotifyTellsWhenTheLockIsGone) {
  ExpectSame([](Session& s) {
    s.OpenWal();
    sqlite3* a = s.Open("app.db", "cache=shared");
    sqlite3* b = s.Open("app.db", "cache=shared");
    s.Run(a, "BEGIN; INSERT INTO t(b) VALUES(1)");
    s.Run(b, "SELECT count(*) FROM t");
    const auto notify = [](void** sessions, int count) {
      static_cast<Session*>(sessions[0])->Note("unlocked", count);
    };
    s.Note("notify", s.api().unlock_notify(b, notify, &s));
    s.Run(a, "COMMIT");
    s.Run(b, "SELECT count(*) FROM t");
    s.Note("at once", s.api().unlock_notify(b, notify, &s));
  });
}

}  // namespace
}  // namespace strata::sqlite_surface
