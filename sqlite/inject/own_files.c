/* The handles that engines have on database files, beside those of connections: what an application tells a VFS by
** sqlite3_file_control() it tells one handle, and checkpoints write through another. Part of the injected sqlite3.c.
*/

/* The VFS keeps a pointer to the name for as long as the file is open, and the pager that owns the first handle may be
** gone by then: so the handle has a name of its own, with its parameters.
*/
typedef struct strata_own_file {
  sqlite3_filename name;
  struct strata_own_file* next; /* guarded by the mutex of all */
  sqlite3_mutex* mutex;         /* of the handle: controls come from other threads than writes, never from inside */
  int chunk_bytes;
  sqlite3_file file; /* as long as its VFS wants it */
} strata_own_file;

static strata_own_file* strata_own_files = 0;

static sqlite3_mutex* strata_own_files_mutex(void) { return sqlite3MutexAlloc(SQLITE_MUTEX_STATIC_VFS3); }

static strata_own_file* strata_own_file_of(sqlite3_file* file) {
  return (strata_own_file*)((char*)file - offsetof(strata_own_file, file));
}

static void strata_list_own_file(strata_own_file* own) {
  sqlite3_mutex_enter(strata_own_files_mutex());
  own->next = strata_own_files;
  strata_own_files = own;
  sqlite3_mutex_leave(strata_own_files_mutex());
}

static void strata_unlist_own_file(strata_own_file* own) {
  strata_own_file** at;
  sqlite3_mutex_enter(strata_own_files_mutex());
  for (at = &strata_own_files; *at && *at != own; at = &(*at)->next) {}
  if (*at) *at = own->next;
  sqlite3_mutex_leave(strata_own_files_mutex());
}

/* The chunk size, and what a VFS of the application defined for itself: the rest asks, or is about a connection. */
static int strata_is_for_all_handles(int op) { return op == SQLITE_FCNTL_CHUNK_SIZE || op >= 100; }

static void strata_tell_own_files(const char* database, int op, void* argument) {
  strata_own_file* own;
  sqlite3_mutex_enter(strata_own_files_mutex());
  for (own = strata_own_files; own; own = own->next) {
    if (strcmp(own->name, database) != 0) continue;
    sqlite3_mutex_enter(own->mutex);
    sqlite3OsFileControlHint(&own->file, op, argument);
    if (op == SQLITE_FCNTL_CHUNK_SIZE) own->chunk_bytes = *(int*)argument;
    sqlite3_mutex_leave(own->mutex);
  }
  sqlite3_mutex_leave(strata_own_files_mutex());
}

/* In sqlite3_file_control(). The connection's own handle comes last: its answer is the one that counts. */
static int strata_file_control(Pager* pager, sqlite3_file* file, int op, void* argument) {
  if (strata_is_for_all_handles(op) && argument && pager->zFilename && pager->zFilename[0])
    strata_tell_own_files(pager->zFilename, op, argument);
  return sqlite3OsFileControl(file, op, argument);
}

/* What the connection that opens the log had been told before. Only SQLite's own VFS can be asked. */
static void strata_pass_on_chunk_size(Pager* pager) {
#if SQLITE_OS_UNIX
  const sqlite3_io_methods* methods = pager->fd->pMethods;
  if (methods && methods->xFileControl == unixFileControl && ((unixFile*)pager->fd)->szChunk > 0) {
    int chunk = ((unixFile*)pager->fd)->szChunk;
    strata_tell_own_files(pager->zFilename, SQLITE_FCNTL_CHUNK_SIZE, &chunk);
  }
#endif
}
