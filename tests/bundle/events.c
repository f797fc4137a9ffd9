/* A program that bundles SQLite, as many do: its own options, sqlite3.c compiled in. Here the sqlite3.c is Strata's, and
** libstrata.a gives the engine:
**
**   cc -DSQLITE_DQS=0 -DSQLITE_ENABLE_FTS5 -I share/strata events.c share/strata/sqlite3.c \
**      $(pkg-config --cflags --libs strata) -o events
**
**   events FILE add THREADS COUNT   each thread commits COUNT events one by one, and prints a line for each that is durable
**   events FILE show                number of events, of those that a search finds, and what integrity_check says
*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite3.h"

static const char* path;
static int count;

static void fail(sqlite3* db, const char* what) {
  fprintf(stderr, "events: %s: %s\n", what, db ? sqlite3_errmsg(db) : "out of memory");
  exit(1);
}

static void run(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, 0, 0, 0) != SQLITE_OK) fail(db, sql);
}

/* All that a program changes for Strata is the URI. */
static sqlite3* open_database(void) {
  sqlite3* db = 0;
  char* uri = sqlite3_mprintf("file:%s?wal=strata", path);
  if (uri == 0) fail(0, path);
  if (sqlite3_open_v2(uri, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, 0) != SQLITE_OK)
    fail(db, uri);
  sqlite3_free(uri);
  sqlite3_busy_timeout(db, 10000);
  run(db, "PRAGMA synchronous=FULL; CREATE VIRTUAL TABLE IF NOT EXISTS event USING fts5(source, text)");
  return db;
}

static void* add_events(void* argument) {
  sqlite3* db = open_database();
  sqlite3_stmt* statement;
  int i;
  if (sqlite3_prepare_v2(db, "INSERT INTO event VALUES(?1, 'event number ' || ?2)", -1, &statement, 0) != SQLITE_OK)
    fail(db, "prepare");
  sqlite3_bind_text(statement, 1, argument, -1, SQLITE_STATIC);
  for (i = 0; i < count; i++) {
    sqlite3_bind_int(statement, 2, i);
    if (sqlite3_step(statement) != SQLITE_DONE) fail(db, "insert");
    sqlite3_reset(statement);
    printf("%s %d\n", (const char*)argument, i);
    fflush(stdout);
  }
  sqlite3_finalize(statement);
  if (sqlite3_close(db) != SQLITE_OK) fail(db, "close");
  return 0;
}

static void show_value(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, 0) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW) fail(db, sql);
  printf("%s\n", (const char*)sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
}

static int show(void) {
  sqlite3* db = open_database();
  show_value(db, "SELECT count(*) FROM event");
  show_value(db, "SELECT count(*) FROM event('number')");
  show_value(db, "PRAGMA integrity_check");
  return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}

static int add(int threads) {
  static char names[64][16];
  pthread_t running[64];
  int i;
  for (i = 0; i < threads && i < 64; i++) {
    snprintf(names[i], sizeof(names[i]), "source%d", i);
    pthread_create(&running[i], 0, add_events, names[i]);
  }
  while (i-- > 0) pthread_join(running[i], 0);
  return 0;
}

int main(int argc, char** argv) {
  if (argc > 1) path = argv[1];
  if (argc == 3 && strcmp(argv[2], "show") == 0) return show();
  if (argc == 5 && strcmp(argv[2], "add") == 0) {
    count = atoi(argv[4]);
    return add(atoi(argv[3]));
  }
  fprintf(stderr, "usage: events FILE add THREADS COUNT | show\n");
  return 2;
}
