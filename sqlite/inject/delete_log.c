/* Deleting a log that is not SQLite's own. Part of the injected sqlite3.c. */

static int strata_names_a_log(const char* name) {
  size_t length = strlen(name);
  return length > 4 && strcmp(name + length - 4, "-wal") == 0;
}

/* pager.c deletes a log by its name beside an empty database, and journals; only the former can be an engine's. */
static int strata_os_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  if (strata_names_a_log(name)) {
    const strata_wal_methods* engine;
    int rc = strata_engine_of_log(vfs, name, &engine);
    if (rc != SQLITE_OK) return rc;
    if (engine) return engine->delete_log(vfs, name);
  }
  return sqlite3OsDelete(vfs, name, sync_directory);
}
