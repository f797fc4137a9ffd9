/* The engines of this process, in the order of their registration. Part of the injected sqlite3.c. */

#define STRATA_MAX_ENGINES 4
#define STRATA_DEFAULT_ENGINE "strata"

static const strata_wal_methods* strata_engines[STRATA_MAX_ENGINES];
static int strata_engine_count; /* grows only, after its entry was written */

static const strata_wal_host* strata_host(void); /* host.c */

static int strata_load(const int* from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }
static void strata_store(int* to, int value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

static int strata_slot_of(const char* name) {
  int count = strata_load(&strata_engine_count);
  int slot;
  for (slot = 0; slot < count; slot++) {
    if (strcmp(strata_engines[slot]->name, name) == 0) return slot;
  }
  return -1;
}

static int strata_add_engine(const strata_wal_methods* methods) {
  if (methods->version < 1 || methods->version > 3 || methods->name == 0 || strcmp(methods->name, "builtin") == 0) {
    return SQLITE_MISUSE_BKPT;
  }
  if (strata_slot_of(methods->name) >= 0) return SQLITE_MISUSE_BKPT;
  if (strata_engine_count == STRATA_MAX_ENGINES) return SQLITE_FULL;
  strata_engines[strata_engine_count] = methods;
  strata_store(&strata_engine_count, strata_engine_count + 1);
  return SQLITE_OK;
}

#ifdef STRATA_ENGINE_OPTIONAL
/* This object also links alone; programs that want the engine pull it in by name. */
const strata_wal_methods* strata_engine_methods(void) __attribute__((weak));
void strata_engine_attach(const strata_wal_host* host) __attribute__((weak));
#define STRATA_ENGINE_IS_LINKED (strata_engine_methods != 0)
#elif !defined(STRATA_WITHOUT_ENGINE)
#define STRATA_ENGINE_IS_LINKED 1
#endif

/* The engine that this program is linked with registers itself when a log is first asked for. */
static void strata_add_linked_engine(void) {
#ifdef STRATA_ENGINE_IS_LINKED
  static int is_known;
  sqlite3_mutex* mutex;
  if (strata_load(&is_known)) return;
  mutex = sqlite3MutexAlloc(SQLITE_MUTEX_STATIC_VFS3);
  sqlite3_mutex_enter(mutex);
  if (!is_known) {
    if (STRATA_ENGINE_IS_LINKED && strata_add_engine(strata_engine_methods()) == SQLITE_OK) {
      strata_engine_attach(strata_host());
    }
    strata_store(&is_known, 1);
  }
  sqlite3_mutex_leave(mutex);
#endif
}

int strata_wal_register(const strata_wal_methods* methods, const strata_wal_host** host) {
  sqlite3_mutex* mutex;
  int rc = sqlite3_initialize();
  if (rc != SQLITE_OK) return rc;
  mutex = sqlite3MutexAlloc(SQLITE_MUTEX_STATIC_VFS3);
  sqlite3_mutex_enter(mutex);
  rc = strata_add_engine(methods);
  sqlite3_mutex_leave(mutex);
  if (rc == SQLITE_OK && host) *host = strata_host();
  return rc;
}

/* NULL when no engine has that name. */
static const strata_wal_methods* strata_engine_named(const char* name) {
  int slot;
  strata_add_linked_engine();
  slot = strata_slot_of(name);
  return slot < 0 ? 0 : strata_engines[slot];
}

/* The engine whose log `wal_name` is, or NULL. */
static int strata_engine_of_log(sqlite3_vfs* vfs, const char* wal_name, const strata_wal_methods** engine) {
  int slot;
  int is_log = 0;
  int rc = SQLITE_OK;
  strata_add_linked_engine();
  *engine = 0;
  for (slot = 0; rc == SQLITE_OK && slot < strata_load(&strata_engine_count); slot++) {
    rc = strata_engines[slot]->is_log(vfs, wal_name, &is_log);
    if (rc == SQLITE_OK && is_log) {
      *engine = strata_engines[slot];
      break;
    }
  }
  return rc;
}
