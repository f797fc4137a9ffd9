/* libSQL's virtual WAL over an engine's table (sqlite/virtual_wal.h): what runs Strata inside libSQL. The engine's host
** comes from sqlite/inject/host.c, which libSQL's amalgamation can include as it is. docs/sqlite_fork.md.
*/
#ifdef STRATA_LIBSQL_HEADER
#include STRATA_LIBSQL_HEADER
#else
#include "tests/sqlite/libsql_shape.h"
#endif
#include <stdlib.h>
#include <string.h>

#include "sqlite/virtual_wal.h"
#include "tests/sqlite/libsql_adapter.h"

struct wal_impl {
  const strata_wal_methods* engine;
  strata_wal* wal;
  sqlite3_file* database;
};

#define ENGINE(receiver) (receiver)->engine
#define OPAQUE(db) ((strata_sqlite_connection*)(db))

static void limit(wal_impl* w, long long bytes) { ENGINE(w)->limit(w->wal, bytes); }
static int begin_read(wal_impl* w, int* changed) { return ENGINE(w)->begin_read(w->wal, changed); }
static void end_read(wal_impl* w) { ENGINE(w)->end_read(w->wal); }
static int find_frame(wal_impl* w, unsigned int page, unsigned int* frame) {
  return ENGINE(w)->find_frame(w->wal, page, frame);
}
static int read_frame(wal_impl* w, unsigned int frame, int bytes, unsigned char* to) {
  return ENGINE(w)->read_frame(w->wal, frame, bytes, to);
}
static int read_frame_raw(wal_impl* w, unsigned int frame, int bytes, unsigned char* to) {
  return ENGINE(w)->read_frame_raw(w->wal, frame, bytes, to);
}
static unsigned int database_pages(wal_impl* w) { return w ? ENGINE(w)->database_pages(w->wal) : 0; }
static int begin_write(wal_impl* w) { return ENGINE(w)->begin_write(w->wal); }
static int end_write(wal_impl* w) { return ENGINE(w)->end_write(w->wal); }
static int undo(wal_impl* w, int (*page)(void*, unsigned int), void* context) {
  return ENGINE(w)->undo(w->wal, page, context);
}
static void savepoint(wal_impl* w, unsigned int* words) { ENGINE(w)->savepoint(w->wal, words); }
static int savepoint_undo(wal_impl* w, unsigned int* words) { return ENGINE(w)->savepoint_undo(w->wal, words); }
static void savepoint_forget(wal_impl* w, unsigned int* words) { ENGINE(w)->savepoint_forget(w->wal, words); }
static int frame_count(wal_impl* w, int locked, unsigned int* frames) {
  return ENGINE(w)->frame_count(w->wal, locked, frames);
}

static int append(wal_impl* w, int page_size, libsql_pghdr* list, unsigned int pages, int commit, int sync_flags,
                  int* appended) {
  strata_wal_page* array;
  libsql_pghdr* page;
  size_t count = 0;
  unsigned int before = 0;
  unsigned int after = 0;
  int rc;
  for (page = list; page; page = page->pDirty) count++;
  array = malloc(count * sizeof(*array));
  if (array == 0) return SQLITE_NOMEM;
  for (count = 0, page = list; page; page = page->pDirty, count++) {
    array[count].page_no = page->pgno;
    array[count].data = page->pData;
  }
  rc = ENGINE(w)->frame_count(w->wal, 1, &before);
  if (rc == SQLITE_OK) rc = ENGINE(w)->frames(w->wal, page_size, array, count, pages, commit, sync_flags);
  if (rc == SQLITE_OK) rc = ENGINE(w)->frame_count(w->wal, 1, &after);
  if (appended) *appended = rc == SQLITE_OK && commit ? (int)(after - before) : 0;
  free(array);
  return rc;
}

static int checkpoint(wal_impl* w, sqlite3* db, int mode, int (*busy)(void*), void* busy_context, int sync_flags,
                      int bytes, unsigned char* buffer, int* frames, int* copied,
                      int (*page_copied)(void*, int, const unsigned char*, int, int, int), void* context) {
  int rc;
  ENGINE(w)->watch_checkpoints(w->wal, page_copied, context);
  rc = ENGINE(w)->checkpoint(w->wal, OPAQUE(db), mode, busy, busy_context, sync_flags, bytes, buffer, frames, copied);
  ENGINE(w)->watch_checkpoints(w->wal, 0, 0);
  return rc;
}

/* A hook of the application's: libSQL checkpoints in the committing thread when it is SQLite's own. */
static int callback(wal_impl* w) { return w ? ENGINE(w)->callback(w->wal, 0, 0) : 0; }
static int exclusive_mode(wal_impl* w, int op) { return ENGINE(w)->exclusive_mode(w->wal, op); }
static int heap_memory(wal_impl* w) { return w ? ENGINE(w)->heap_memory(w->wal) : 0; }

/* The first word is not the engine's; 0 in it would ask for "a snapshot to be kept". */
static int snapshot_get(wal_impl* w, sqlite3_snapshot** out) {
  static const unsigned char engine_snapshot[4] = {'S', 't', 'r', 1};
  int rc;
  *out = sqlite3_malloc(sizeof(**out));
  if (*out == 0) return SQLITE_NOMEM;
  rc = ENGINE(w)->snapshot_get(w->wal, (*out)->hidden);
  if (rc == SQLITE_OK) {
    memcpy((*out)->hidden, engine_snapshot, sizeof(engine_snapshot));
  } else {
    sqlite3_free(*out);
    *out = 0;
  }
  return rc;
}
static void snapshot_open(wal_impl* w, sqlite3_snapshot* snapshot) {
  ENGINE(w)->snapshot_open(w->wal, snapshot ? snapshot->hidden : 0);
}
static int snapshot_recover(wal_impl* w) { return ENGINE(w)->snapshot_recover(w->wal); }
static int snapshot_check(void* receiver, sqlite3_snapshot* snapshot) {
  wal_impl* w = receiver;
  return ENGINE(w)->snapshot_check(w->wal, snapshot->hidden);
}
static void snapshot_unlock(wal_impl* w) { ENGINE(w)->snapshot_unlock(w->wal); }
static int frame_bytes(wal_impl* w) { return w ? ENGINE(w)->frame_bytes(w->wal) : 0; }
static sqlite3_file* file(wal_impl* w) { return ENGINE(w)->file(w->wal); }
static int write_lock(wal_impl* w, int lock) { return ENGINE(w)->write_lock(w->wal, lock); }
static void set_connection(wal_impl* w, sqlite3* db) { ENGINE(w)->set_connection(w->wal, OPAQUE(db)); }

static const libsql_wal_methods methods = {
    .iVersion = 2,
    .xLimit = limit,
    .xBeginReadTransaction = begin_read,
    .xEndReadTransaction = end_read,
    .xFindFrame = find_frame,
    .xReadFrame = read_frame,
    .xReadFrameRaw = read_frame_raw,
    .xDbsize = database_pages,
    .xBeginWriteTransaction = begin_write,
    .xEndWriteTransaction = end_write,
    .xUndo = undo,
    .xSavepoint = savepoint,
    .xSavepointUndo = savepoint_undo,
    .xFrameCount = frame_count,
    .xFrames = append,
    .xCheckpoint = checkpoint,
    .xCallback = callback,
    .xExclusiveMode = exclusive_mode,
    .xHeapMemory = heap_memory,
    .xSnapshotGet = snapshot_get,
    .xSnapshotOpen = snapshot_open,
    .xSnapshotRecover = snapshot_recover,
    .xSnapshotCheck = snapshot_check,
    .xSnapshotUnlock = snapshot_unlock,
    .xFramesize = frame_bytes,
    .xFile = file,
    .xWriteLock = write_lock,
    .xDb = set_connection,
    .xSavepointForget = savepoint_forget,
};

static const strata_wal_methods* engine_of(wal_manager_impl* manager) { return (const strata_wal_methods*)manager; }

static int open_wal(wal_manager_impl* manager, sqlite3_vfs* vfs, sqlite3_file* database, int no_shared_memory,
                    long long size_limit, const char* name, libsql_wal* out) {
  strata_wal_open_args arguments;
  wal_impl* w = calloc(1, sizeof(*w));
  int rc;
  if (w == 0) return SQLITE_NOMEM;
  memset(&arguments, 0, sizeof(arguments)); /* libSQL does not say whether the database is read-only */
  arguments.vfs = vfs;
  arguments.database = database;
  arguments.wal_name = sqlite3_filename_wal(name);
  arguments.no_shared_memory = no_shared_memory;
  arguments.size_limit = size_limit;
  w->engine = engine_of(manager);
  w->database = database;
  rc = w->engine->open(&arguments, &w->wal);
  if (rc != SQLITE_OK) {
    free(w);
    return rc;
  }
  out->methods = methods;
  out->pData = w;
  return SQLITE_OK;
}

static int close_wal(wal_manager_impl* manager, wal_impl* w, sqlite3* db, int sync_flags, int bytes,
                     unsigned char* buffer) {
  int keep = -1;
  int rc;
  (void)manager;
  if (w == 0) return SQLITE_OK;
  if (w->database->pMethods) w->database->pMethods->xFileControl(w->database, SQLITE_FCNTL_PERSIST_WAL, &keep);
  rc = ENGINE(w)->close(w->wal, buffer ? OPAQUE(db) : 0, sync_flags, bytes, buffer, keep == 1);
  free(w);
  return rc;
}

static int destroy_log(wal_manager_impl* manager, sqlite3_vfs* vfs, const char* name) {
  return engine_of(manager)->delete_log(vfs, sqlite3_filename_wal(name));
}

static int log_exists(wal_manager_impl* manager, sqlite3_vfs* vfs, const char* name, int* exists) {
  return engine_of(manager)->is_log(vfs, sqlite3_filename_wal(name), exists);
}

static void destroy_manager(wal_manager_impl* manager) { (void)manager; }

void strata_libsql_manager(const strata_wal_methods* engine, libsql_wal_manager* out) {
  const libsql_wal_manager manager = {
      .bUsesShm = engine->uses_shared_memory,
      .xOpen = open_wal,
      .xClose = close_wal,
      .xLogDestroy = destroy_log,
      .xLogExists = log_exists,
      .xDestroy = destroy_manager,
      .pData = (wal_manager_impl*)engine,
  };
  *out = manager;
}
