/* What an engine may ask of SQLite (strata_wal_host). Part of the injected sqlite3.c. */

/* A second handle on a database file. The VFS keeps a pointer to the name for as long as the file is open, and the
** pager that owns the first one may be gone by then: so the handle has a name of its own, with its parameters.
*/
typedef struct strata_own_file {
  sqlite3_filename name;
  sqlite3_file file; /* as long as its VFS wants it */
} strata_own_file;

static strata_own_file* strata_own_file_of(sqlite3_file* file) {
  return (strata_own_file*)((char*)file - offsetof(strata_own_file, file));
}

static int strata_host_busy_timeout_ms(strata_sqlite_connection* connection) {
  return connection ? ((sqlite3*)connection)->busyTimeout : 0;
}

static int strata_host_is_interrupted(strata_sqlite_connection* connection) {
  return connection && AtomicLoad(&((sqlite3*)connection)->u1.isInterrupted) != 0;
}

static const char* strata_host_database_name(const char* wal_name) {
  return sqlite3_filename_database((sqlite3_filename)wal_name);
}

static const char* strata_host_uri_parameter(const char* wal_name, const char* key) {
  return sqlite3_uri_parameter((sqlite3_filename)strata_host_database_name(wal_name), key);
}

static void strata_host_log(int result_code, const char* message) {
  sqlite3_log(result_code, "%s", message);
}

static sqlite3_filename strata_copy_name(const char* wal_name) {
  sqlite3_filename database = (sqlite3_filename)strata_host_database_name(wal_name);
  const char** parameters;
  sqlite3_filename copy;
  int count = 0;
  int i;
  while (sqlite3_uri_key(database, count)) count++;
  parameters = sqlite3Malloc((2 * (u64)count + 1) * sizeof(*parameters));
  if (parameters == 0) return 0;
  for (i = 0; i < count; i++) {
    parameters[2 * i] = sqlite3_uri_key(database, i);
    parameters[2 * i + 1] = sqlite3_uri_parameter(database, parameters[2 * i]);
  }
  copy = (sqlite3_filename)sqlite3_create_filename(database, sqlite3_filename_journal(database), wal_name,
                                                   count, parameters);
  sqlite3_free(parameters);
  return copy;
}

static void strata_host_close_file(sqlite3_file* file) {
  strata_own_file* own = strata_own_file_of(file);
  sqlite3OsClose(file);
  sqlite3_free_filename(own->name);
  sqlite3_free(own);
}

static int strata_host_open_file(sqlite3_vfs* vfs, const char* wal_name, int flags, sqlite3_file** out) {
  strata_own_file* own = sqlite3MallocZero(sizeof(*own) + vfs->szOsFile);
  int rc = SQLITE_NOMEM_BKPT;
  *out = 0;
  if (own == 0) return rc;
  own->name = strata_copy_name(wal_name);
  if (own->name) rc = sqlite3OsOpen(vfs, own->name, &own->file, flags | SQLITE_OPEN_URI, 0);
  if (rc == SQLITE_OK) {
    *out = &own->file;
  } else {
    strata_host_close_file(&own->file);
  }
  return rc;
}

static int strata_host_read_file(sqlite3_file* file, void* to, int bytes, int64_t offset) {
  return sqlite3OsRead(file, to, bytes, offset);
}

static int strata_host_write_file(sqlite3_file* file, const void* from, int bytes, int64_t offset) {
  return sqlite3OsWrite(file, from, bytes, offset);
}

static int strata_host_truncate_file(sqlite3_file* file, int64_t size) {
  return sqlite3OsTruncate(file, size);
}

static int strata_host_sync_file(sqlite3_file* file, int full) {
  return sqlite3OsSync(file, full ? SQLITE_SYNC_FULL : SQLITE_SYNC_NORMAL);
}

static int strata_host_file_size(sqlite3_file* file, int64_t* size) {
  i64 bytes = 0;
  int rc = sqlite3OsFileSize(file, &bytes);
  *size = bytes;
  return rc;
}

static int strata_host_lock_file(sqlite3_file* file, int level) { return sqlite3OsLock(file, level); }

static int strata_host_unlock_file(sqlite3_file* file, int level) { return sqlite3OsUnlock(file, level); }

static const strata_wal_host* strata_host(void) {
  static const strata_wal_host host = {
      1,
      strata_host_busy_timeout_ms,
      strata_host_is_interrupted,
      strata_host_uri_parameter,
      strata_host_database_name,
      strata_host_log,
      strata_host_open_file,
      strata_host_close_file,
      strata_host_read_file,
      strata_host_write_file,
      strata_host_truncate_file,
      strata_host_sync_file,
      strata_host_file_size,
      strata_host_lock_file,
      strata_host_unlock_file,
  };
  return &host;
}
