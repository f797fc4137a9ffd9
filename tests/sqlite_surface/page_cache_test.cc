// What a connection keeps in its page cache over the commits of others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sqlite_surface/session.h"

namespace strata::sqlite_surface {
namespace {

constexpr char kScan[] = "SELECT count(*), sum(length(b)) FROM t";

// Pages that `step` of `db` read from the log or the file, because the cache did not have them.
int PagesRead(Session& s, sqlite3* db, const std::function<void()>& step) {
  int before = 0;
  int after = 0;
  int high = 0;
  s.api().db_status(db, SQLITE_DBSTATUS_CACHE_MISS, &before, &high, 0);
  step();
  s.api().db_status(db, SQLITE_DBSTATUS_CACHE_MISS, &after, &high, 0);
  return after - before;
}

int PagesReadAfterACommitOfAnother(const Library& library) {
  Session s(library);
  sqlite3* reader = s.OpenWal();
  sqlite3* writer = s.OpenWal();
  s.AddRows(writer);
  s.Run(reader, kScan);
  s.Run(writer, "UPDATE t SET b='other' WHERE a=100");
  return PagesRead(s, reader, [&] { s.Run(reader, kScan); });
}

TEST(PageCacheTest, OnlyWhatAnotherConnectionChangedIsReadAgain) {
  EXPECT_GT(PagesReadAfterACommitOfAnother(Library::Stock()), 20);
  EXPECT_EQ(PagesReadAfterACommitOfAnother(Library::Strata()), 1);
}

TEST(PageCacheTest, WhatAnotherConnectionTookOffTheEndAndPutThereAgainIsNew) {
  ExpectSame([](Session& s) {
    sqlite3* reader = s.OpenWal();
    sqlite3* writer = s.OpenWal();
    s.AddRows(writer);
    s.Run(reader, kScan);
    s.Run(writer, "DELETE FROM t WHERE a > 20; VACUUM");
    s.Run(reader, kScan);
    s.Run(writer, "INSERT INTO t(b) SELECT zeroblob(700) FROM t, t");
    s.Run(reader, kScan);
    s.Run(reader, "PRAGMA integrity_check; PRAGMA data_version");
    s.Run(writer, "BEGIN; DELETE FROM t; INSERT INTO t(b) VALUES (7); COMMIT; VACUUM");
    s.Run(writer, "CREATE TABLE u(a); INSERT INTO u SELECT randomblob(0) FROM t");
    s.Run(reader, kScan);
    s.Run(reader, "SELECT count(*) FROM u; PRAGMA integrity_check");
  });
}

// The snapshot goes back, and forth again.
TEST(PageCacheTest, AnOlderSnapshotReadsWhatItHad) {
  ExpectSame([](Session& s) {
    sqlite3* reader = s.OpenWal();
    sqlite3* writer = s.OpenWal();
    s.Run(writer, "PRAGMA wal_autocheckpoint=0");
    s.AddRows(writer);
    s.Run(reader, "BEGIN; SELECT count(*) FROM t");
    sqlite3_snapshot* old = nullptr;
    s.Note("get", s.api().snapshot_get(reader, "main", &old));
    s.Run(reader, "COMMIT");
    s.Run(writer, "UPDATE t SET b='new' WHERE a BETWEEN 50 AND 60");
    s.Run(reader, "SELECT sum(length(b)) FROM t");
    s.Run(reader, "BEGIN");
    s.Note("open", s.api().snapshot_open(reader, "main", old));
    s.Run(reader, "SELECT sum(length(b)) FROM t; COMMIT");
    s.Run(reader, "SELECT sum(length(b)) FROM t");
    s.api().snapshot_free(old);
  });
}

// A checkpoint in between: which pages changed is not known any more.
TEST(PageCacheTest, AfterACheckpointEverythingIsReadAgain) {
  ExpectSame([](Session& s) {
    sqlite3* reader = s.OpenWal();
    sqlite3* writer = s.OpenWal();
    s.AddRows(writer);
    s.Run(reader, kScan);
    s.Run(writer, "UPDATE t SET b='other' WHERE a=100; PRAGMA wal_checkpoint(TRUNCATE)");
    s.Run(writer, "UPDATE t SET b='more' WHERE a=150");
    s.Run(reader, kScan);
    s.Run(reader, "SELECT b FROM t WHERE a IN (100, 150)");
  });
}

}  // namespace
}  // namespace strata::sqlite_surface
