/* A log file of SQLite's own, left by a program that crashed, where an engine's log shall be. Part of the
** injected sqlite3.c.
*/

static int strata_is_regular_file(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Recovers the log, copies it into the database, and removes it. `quiet` is read for its interrupt flag only. */
static int strata_drain_builtin_log(Pager* pager) {
  static sqlite3 quiet;
  const int sync_flags = SQLITE_SYNC_NORMAL | (SQLITE_SYNC_NORMAL << 2);
  builtin_Wal* wal = 0;
  u8* page = 0;
  int page_size = SQLITE_MAX_PAGE_SIZE;
  int changed = 0;
  int rc = builtin_sqlite3WalOpen(pager->pVfs, pager->fd, pager->zWal, pager->exclusiveMode, -1, &wal);
  if (rc != SQLITE_OK) return rc;
  rc = builtin_sqlite3WalBeginReadTransaction(wal, &changed);
  if (rc == SQLITE_OK) {
    if (wal->hdr.mxFrame) page_size = walPagesize(wal);
    builtin_sqlite3WalEndReadTransaction(wal);
    page = sqlite3Malloc(page_size);
    if (page == 0) rc = SQLITE_NOMEM_BKPT;
  }
  if (rc == SQLITE_OK) {
    rc = builtin_sqlite3WalCheckpoint(wal, &quiet, SQLITE_CHECKPOINT_TRUNCATE, 0, 0, sync_flags,
                                      page_size, page, 0, 0);
  }
  if (rc == SQLITE_OK) {
    rc = builtin_sqlite3WalClose(wal, &quiet, sync_flags, page_size, page);
  } else {
    builtin_sqlite3WalClose(wal, &quiet, sync_flags, 0, 0);
  }
  sqlite3_free(page);
  if (rc == SQLITE_OK && strata_is_regular_file(pager->zWal)) { /* SQLITE_FCNTL_PERSIST_WAL kept it */
    rc = sqlite3OsDelete(pager->pVfs, pager->zWal, 1);
  }
  return rc;
}

/* On success the pager holds EXCLUSIVE, so that no other program can make a new file before the engine's log is
** there. SQLITE_BUSY while another connection has the database open.
*/
static int strata_absorb_builtin_log(Pager* pager) {
  int rc = pagerExclusiveLock(pager);
  if (rc != SQLITE_OK) return rc;
  rc = strata_drain_builtin_log(pager);
  sqlite3_log(rc == SQLITE_OK ? SQLITE_NOTICE : rc, "recovered %s, left by SQLite's own log", pager->zWal);
  return rc;
}
