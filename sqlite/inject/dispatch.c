/* sqlite3Wal…() once more: each call goes to SQLite's own log or to an engine. Part of the injected sqlite3.c. */

struct Wal {
  const strata_wal_methods* methods; /* NULL: SQLite's own */
  builtin_Wal* builtin;
  strata_wal* engine;
  sqlite3_file* database;
  sqlite3* connection; /* that uses the log now, or NULL */
  sqlite3* writer;     /* whose write transaction began last, until its callback after it */
  int is_writing;      /* callbacks come inside a transaction too, when it changes the schema */
  int is_fresh;        /* no read transaction yet: the page cache is older than the log */
  int knows_changes;   /* the page cache is about to be cleared, because of commits of others */
  int foreign_snapshot;
  sqlite3_file no_file; /* pMethods = 0, as of any file that is not open */
};

typedef char strata_savepoints_have_room[STRATA_SAVEPOINT_WORDS == WAL_SAVEPOINT_NDATA ? 1 : -1];

static strata_sqlite_connection* strata_opaque(sqlite3* db) { return (strata_sqlite_connection*)db; }

static int strata_open_engine(Wal* wal, Pager* pager, int no_shared_memory, i64 size_limit) {
  strata_wal_open_args arguments;
  int rc;
  memset(&arguments, 0, sizeof(arguments));
  arguments.vfs = pager->pVfs;
  arguments.database = pager->fd;
  arguments.wal_name = pager->zWal;
  arguments.no_shared_memory = no_shared_memory;
  arguments.size_limit = size_limit;
  arguments.read_only = pager->readOnly;
  wal->is_fresh = 1;
  rc = wal->methods->open(&arguments, &wal->engine);
  if (rc == SQLITE_OK) strata_pass_on_chunk_size(pager);
  return rc;
}

/* A connection that may not write reads what a crashed program left through SQLite's own log, as ever. */
static int strata_open_chosen(Wal* wal, Pager* pager, int no_shared_memory, i64 size_limit) {
  const int lock = pager->eLock;
  int rc = SQLITE_OK;
  if (wal->methods && strata_is_regular_file(pager->zWal)) {
    if (pager->readOnly) {
      wal->methods = 0;
    } else {
      rc = strata_absorb_builtin_log(pager);
    }
  }
  if (rc == SQLITE_OK && wal->methods) {
    rc = strata_open_engine(wal, pager, no_shared_memory, size_limit);
  } else if (rc == SQLITE_OK) {
    rc = builtin_sqlite3WalOpen(pager->pVfs, pager->fd, pager->zWal, no_shared_memory, size_limit,
                                &wal->builtin);
  }
  if (pager->eLock > lock && lock == SHARED_LOCK) pagerUnlockDb(pager, SHARED_LOCK);
  return rc;
}

/* The log that this thread could not open last, for strata_init_error(). */
static __thread struct {
  const Pager* pager;
  const strata_wal_methods* methods;
  int rc;
} strata_unopened;

/* What waits, memory and I/O errors say speaks for itself. */
static void strata_note_unopened(const Pager* pager, const strata_wal_methods* methods, int rc) {
  const int primary = rc & 0xff;
  const int told = primary == SQLITE_CANTOPEN || primary == SQLITE_CORRUPT || primary == SQLITE_READONLY;
  strata_unopened.pager = told ? pager : 0;
  strata_unopened.methods = methods;
  strata_unopened.rc = rc;
}

SQLITE_PRIVATE int sqlite3WalOpen(sqlite3_vfs* vfs, sqlite3_file* database, const char* wal_name,
                                  int no_shared_memory, i64 size_limit, Wal** out) {
  Pager* pager = strata_pager_of(out);
  const strata_wal_methods* methods;
  char* message = 0;
  Wal* wal;
  int rc;
  assert(vfs == pager->pVfs && database == pager->fd && wal_name == pager->zWal);
  *out = 0;
  rc = strata_choose(pager, &methods, &message);
  if (rc != SQLITE_OK) {
    if (message) sqlite3_log(rc, "%s: %s", pager->zFilename, message);
    sqlite3_free(message);
    return rc;
  }
  wal = sqlite3MallocZero(sizeof(*wal));
  if (wal == 0) return SQLITE_NOMEM_BKPT;
  wal->methods = methods;
  wal->database = database;
  rc = strata_open_chosen(wal, pager, no_shared_memory, size_limit);
  strata_note_unopened(pager, wal->methods, rc);
  if (rc != SQLITE_OK) {
    sqlite3_free(wal);
  } else {
    *out = wal;
  }
  return rc;
}

static int strata_wants_log_kept(sqlite3_file* database) {
  int keep = -1;
  sqlite3OsFileControlHint(database, SQLITE_FCNTL_PERSIST_WAL, &keep);
  return keep == 1;
}

SQLITE_PRIVATE int sqlite3WalClose(Wal* wal, sqlite3* db, int sync_flags, int size, u8* buffer) {
  int rc;
  if (wal == 0) return SQLITE_OK;
  if (wal->methods) {
    rc = wal->methods->close(wal->engine, buffer ? strata_opaque(db) : 0, sync_flags, size, buffer,
                             strata_wants_log_kept(wal->database));
  } else {
    rc = builtin_sqlite3WalClose(wal->builtin, db, sync_flags, size, buffer);
  }
  sqlite3_free(wal);
  return rc;
}

SQLITE_PRIVATE void sqlite3WalLimit(Wal* wal, i64 bytes) {
  if (wal == 0) return;
  if (wal->methods) {
    wal->methods->limit(wal->engine, bytes);
  } else {
    builtin_sqlite3WalLimit(wal->builtin, bytes);
  }
}

SQLITE_PRIVATE int sqlite3WalBeginReadTransaction(Wal* wal, int* changed) {
  int rc;
  if (wal->methods == 0) return builtin_sqlite3WalBeginReadTransaction(wal->builtin, changed);
  if (wal->foreign_snapshot) return SQLITE_ERROR_SNAPSHOT;
  rc = wal->methods->begin_read(wal->engine, changed);
  wal->knows_changes = rc == SQLITE_OK && *changed && !wal->is_fresh;
  if (rc == SQLITE_OK && wal->is_fresh) {
    *changed = 1;
    wal->is_fresh = 0;
  }
  return rc;
}

SQLITE_PRIVATE void sqlite3WalEndReadTransaction(Wal* wal) {
  if (wal->methods) {
    wal->methods->end_read(wal->engine);
  } else {
    builtin_sqlite3WalEndReadTransaction(wal->builtin);
  }
}

SQLITE_PRIVATE int sqlite3WalFindFrame(Wal* wal, Pgno page_no, u32* token) {
  if (wal->methods) return wal->methods->find_frame(wal->engine, page_no, token);
  return builtin_sqlite3WalFindFrame(wal->builtin, page_no, token);
}

SQLITE_PRIVATE int sqlite3WalReadFrame(Wal* wal, u32 token, int size, u8* to) {
  if (wal->methods) return wal->methods->read_frame(wal->engine, token, size, to);
  return builtin_sqlite3WalReadFrame(wal->builtin, token, size, to);
}

SQLITE_PRIVATE Pgno sqlite3WalDbsize(Wal* wal) {
  if (wal == 0) return 0;
  if (wal->methods) return wal->methods->database_pages(wal->engine);
  return builtin_sqlite3WalDbsize(wal->builtin);
}

SQLITE_PRIVATE int sqlite3WalWriteLock(Wal* wal, int lock) {
  return wal->methods ? wal->methods->write_lock(wal->engine, lock) : SQLITE_OK;
}

SQLITE_PRIVATE void sqlite3WalDb(Wal* wal, sqlite3* db) {
  wal->connection = db;
  if (wal->methods) wal->methods->set_connection(wal->engine, strata_opaque(db));
}

SQLITE_PRIVATE int sqlite3WalBeginWriteTransaction(Wal* wal) {
  if (wal->methods == 0) return builtin_sqlite3WalBeginWriteTransaction(wal->builtin);
  wal->writer = wal->connection;
  wal->is_writing = 1;
  return wal->methods->begin_write(wal->engine);
}

SQLITE_PRIVATE int sqlite3WalEndWriteTransaction(Wal* wal) {
  wal->is_writing = 0;
  if (wal->methods) return wal->methods->end_write(wal->engine);
  return builtin_sqlite3WalEndWriteTransaction(wal->builtin);
}

SQLITE_PRIVATE int sqlite3WalUndo(Wal* wal, int (*undo)(void*, Pgno), void* context) {
  if (wal->methods) return wal->methods->undo(wal->engine, undo, context);
  return builtin_sqlite3WalUndo(wal->builtin, undo, context);
}

SQLITE_PRIVATE void sqlite3WalSavepoint(Wal* wal, u32* words) {
  if (wal == 0) return;
  if (wal->methods) {
    wal->methods->savepoint(wal->engine, words);
  } else {
    builtin_sqlite3WalSavepoint(wal->builtin, words);
  }
}

SQLITE_PRIVATE int sqlite3WalSavepointUndo(Wal* wal, u32* words) {
  if (wal->methods) return wal->methods->savepoint_undo(wal->engine, words);
  return builtin_sqlite3WalSavepointUndo(wal->builtin, words);
}

static int strata_append_frames(Wal* wal, int page_size, PgHdr* list, Pgno database_pages, int commit,
                                int sync_flags) {
  strata_wal_page few[64];
  strata_wal_page* pages = few;
  size_t count = 0;
  size_t i;
  PgHdr* page;
  int rc;
  for (page = list; page; page = page->pDirty) count++;
  if (count > ArraySize(few)) {
    pages = sqlite3Malloc(count * sizeof(*pages));
    if (pages == 0) return SQLITE_NOMEM_BKPT;
  }
  for (page = list, i = 0; page; page = page->pDirty, i++) {
    pages[i].page_no = page->pgno;
    pages[i].data = page->pData;
  }
  /* A commit may wait for long: the connection whose interruption ends that is not the wal's between transactions. */
  wal->methods->set_connection(wal->engine, strata_opaque(wal->writer));
  rc = wal->methods->frames(wal->engine, page_size, pages, count, database_pages, commit, sync_flags);
  wal->methods->set_connection(wal->engine, strata_opaque(wal->connection));
  if (pages != few) sqlite3_free(pages);
  return rc;
}

SQLITE_PRIVATE int sqlite3WalFrames(Wal* wal, int page_size, PgHdr* list, Pgno database_pages, int commit,
                                    int sync_flags) {
  if (wal->methods == 0) {
    return builtin_sqlite3WalFrames(wal->builtin, page_size, list, database_pages, commit, sync_flags);
  }
  return strata_append_frames(wal, page_size, list, database_pages, commit, sync_flags);
}

SQLITE_PRIVATE int sqlite3WalCheckpoint(Wal* wal, sqlite3* db, int mode, int (*busy)(void*),
                                        void* busy_context, int sync_flags, int size, u8* buffer,
                                        int* log_frames, int* checkpointed_frames) {
  if (wal->methods == 0) {
    return builtin_sqlite3WalCheckpoint(wal->builtin, db, mode, busy, busy_context, sync_flags, size,
                                        buffer, log_frames, checkpointed_frames);
  }
  return wal->methods->checkpoint(wal->engine, strata_opaque(db), mode, busy, busy_context, sync_flags,
                                  size, buffer, log_frames, checkpointed_frames);
}

SQLITE_PRIVATE int sqlite3WalCallback(Wal* wal) {
  sqlite3* writer;
  int default_hook;
  if (wal == 0) return 0;
  if (wal->methods == 0) return builtin_sqlite3WalCallback(wal->builtin);
  writer = wal->writer;
  if (!wal->is_writing) wal->writer = 0;
  default_hook = writer && writer->xWalCallback == sqlite3WalDefaultHook;
  return wal->methods->callback(wal->engine, default_hook,
                                default_hook ? SQLITE_PTR_TO_INT(writer->pWalArg) : 0);
}

SQLITE_PRIVATE int sqlite3WalExclusiveMode(Wal* wal, int op) {
  if (wal->methods) return wal->methods->exclusive_mode(wal->engine, op);
  return builtin_sqlite3WalExclusiveMode(wal->builtin, op);
}

SQLITE_PRIVATE int sqlite3WalHeapMemory(Wal* wal) {
  if (wal == 0) return 0;
  if (wal->methods) return wal->methods->heap_memory(wal->engine);
  return builtin_sqlite3WalHeapMemory(wal->builtin);
}

SQLITE_PRIVATE sqlite3_file* sqlite3WalFile(Wal* wal) {
  return wal->methods ? &wal->no_file : builtin_sqlite3WalFile(wal->builtin);
}
