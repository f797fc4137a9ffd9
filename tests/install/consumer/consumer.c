#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* consumer DATABASE: commits on Strata's log, and says what it found. Exit code 0: the row came back, and the log was a
 * directory while the database was open and gone after it. */

static int is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int run(sqlite3 *database, const char *sql, sqlite3_int64 *value) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
    if (value != NULL) *value = sqlite3_column_int64(statement, 0);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(statement);
  if (rc == SQLITE_DONE) return 0;
  fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  char uri[4096], log[4096];
  snprintf(uri, sizeof uri, "file:%s?wal=strata", argv[1]);
  snprintf(log, sizeof log, "%s-wal", argv[1]);
  sqlite3 *database = NULL;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
  if (sqlite3_open_v2(uri, &database, flags, NULL) != SQLITE_OK) {
    fprintf(stderr, "%s: %s\n", uri, sqlite3_errmsg(database));
    return 1;
  }
  sqlite3_int64 sum = 0;
  int failed = run(database, "CREATE TABLE t(a)", NULL) || run(database, "INSERT INTO t VALUES(40), (2)", NULL) ||
               run(database, "SELECT sum(a) FROM t", &sum);
  const int was_directory = is_directory(log);
  failed = sqlite3_close(database) != SQLITE_OK || failed;
  printf("sum %lld, log a directory %d, after the close %d\n", (long long)sum, was_directory, is_directory(log));
  return failed || sum != 42 || !was_directory || is_directory(log);
}
