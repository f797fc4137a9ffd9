/* Which log a database gets. Part of the injected sqlite3.c.
**
** In this order: URI wal= (builtin, or an engine's name), an engine's log that is already there, URI store=,
** STRATA_WAL in the environment, SQLite's own.
*/

#define STRATA_BUILTIN "builtin"

/* The pager whose log sqlite3WalOpen() is asked to open. pager.c is its only caller, with this very member. */
static Pager* strata_pager_of(Wal** wal) {
  return (Pager*)((char*)wal - offsetof(Pager, pWal));
}

/* `*engine` = NULL: the built-in log. `*message`, set with an error, is freed with sqlite3_free(). */
static int strata_choose_by_name(const char* name, const char* source,
                                 const strata_wal_methods** engine, char** message) {
  *engine = 0;
  if (strcmp(name, STRATA_BUILTIN) == 0) return SQLITE_OK;
  *engine = strata_engine_named(name);
  if (*engine) return SQLITE_OK;
  *message = sqlite3_mprintf("%s=%s: no such write-ahead log", source, name);
  return *message ? SQLITE_ERROR : SQLITE_NOMEM_BKPT;
}

static int strata_choose_by_environment(const strata_wal_methods** engine, char** message) {
  const char* value = getenv("STRATA_WAL");
  *engine = 0;
  if (value == 0 || value[0] == 0 || strcmp(value, "0") == 0) return SQLITE_OK;
  if (strcmp(value, "1") == 0) value = STRATA_DEFAULT_ENGINE;
  return strata_choose_by_name(value, "STRATA_WAL", engine, message);
}

/* The engine that the URI of a database asks for; `*asked` = 0 when it does not say. */
static int strata_choose_by_uri(const char* database, int* asked, const strata_wal_methods** engine,
                                char** message) {
  const char* name = sqlite3_uri_parameter(database, "wal");
  *asked = 1;
  if (name) return strata_choose_by_name(name, "wal", engine, message);
  if (sqlite3_uri_parameter(database, "store")) {
    return strata_choose_by_name(STRATA_DEFAULT_ENGINE, "store=... needs wal", engine, message);
  }
  *asked = 0;
  *engine = 0;
  return SQLITE_OK;
}

static int strata_choose(Pager* pager, const strata_wal_methods** engine, char** message) {
  int asked;
  int rc;
  *message = 0;
  *engine = 0;
  if (pager->pVfs->xDelete == 0) return SQLITE_OK; /* memdb: its log is in memory as well, and no directory */
  if (sqlite3_uri_parameter(pager->zFilename, "wal") == 0) {
    rc = strata_engine_of_log(pager->pVfs, pager->zWal, engine);
    if (rc != SQLITE_OK || *engine) return rc;
  }
  rc = strata_choose_by_uri(pager->zFilename, &asked, engine, message);
  if (asked) return rc;
  return strata_choose_by_environment(engine, message);
}
