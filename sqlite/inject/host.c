/* What an engine may ask of SQLite (strata_wal_host). Part of the injected sqlite3.c. */

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
  strata_unlist_own_file(own);
  sqlite3OsClose(file);
  sqlite3_mutex_free(own->mutex);
  sqlite3_free_filename(own->name);
  sqlite3_free(own);
}

static int strata_host_open_file(sqlite3_vfs* vfs, const char* wal_name, int flags, sqlite3_file** out) {
  strata_own_file* own = sqlite3MallocZero(sizeof(*own) + vfs->szOsFile);
  int rc = SQLITE_NOMEM_BKPT;
  *out = 0;
  if (own == 0) return rc;
  own->name = strata_copy_name(wal_name);
  own->mutex = sqlite3MutexAlloc(SQLITE_MUTEX_FAST);
  if (own->name && (own->mutex || !sqlite3GlobalConfig.bCoreMutex)) rc = sqlite3OsOpen(vfs, own->name, &own->file, flags | SQLITE_OPEN_URI, 0);
  if (rc == SQLITE_OK) {
    strata_list_own_file(own);
    *out = &own->file;
  } else {
    strata_host_close_file(&own->file);
  }
  return rc;
}

static int strata_host_read_file(sqlite3_file* file, void* to, int bytes, int64_t offset) {
  strata_own_file* own = strata_own_file_of(file);
  int rc;
  sqlite3_mutex_enter(own->mutex);
  rc = sqlite3OsRead(file, to, bytes, offset);
  sqlite3_mutex_leave(own->mutex);
  return rc;
}

/* Makes room by whole chunks, if the application asked for that. */
static void strata_grow_by_chunks(strata_own_file* own, i64 end) {
  i64 size = 0;
  if (own->chunk_bytes <= 0 || sqlite3OsFileSize(&own->file, &size) != SQLITE_OK || end <= size) return;
  sqlite3OsFileControlHint(&own->file, SQLITE_FCNTL_SIZE_HINT, &end);
}

static int strata_host_write_file(sqlite3_file* file, const void* from, int bytes, int64_t offset) {
  strata_own_file* own = strata_own_file_of(file);
  int rc;
  sqlite3_mutex_enter(own->mutex);
  strata_grow_by_chunks(own, offset + bytes);
  rc = sqlite3OsWrite(file, from, bytes, offset);
  sqlite3_mutex_leave(own->mutex);
  return rc;
}

static int strata_host_truncate_file(sqlite3_file* file, int64_t size) {
  strata_own_file* own = strata_own_file_of(file);
  int rc;
  sqlite3_mutex_enter(own->mutex);
  rc = sqlite3OsTruncate(file, size);
  sqlite3_mutex_leave(own->mutex);
  return rc;
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
