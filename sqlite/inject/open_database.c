/* A database whose URI names an engine is switched to WAL when it is opened or attached, or that fails: it is never
** silently a plain one. Part of the injected sqlite3.c.
*/

#define STRATA_OPEN_BUSY_MS 5000 /* sqlite3_open() has no busy handler yet, and openers of a new database meet */

/* Starts a read transaction, in which a database in WAL mode opens its log, and ends it. */
static int strata_read_header(Btree* tree, int* is_wal) {
  int rc = sqlite3BtreeBeginTrans(tree, 0, 0);
  *is_wal = sqlite3BtreePager(tree)->pWal != 0;
  if (rc == SQLITE_OK) rc = sqlite3BtreeCommit(tree);
  return rc;
}

/* The transaction starts as an exclusive one, so that two openers wait for each other instead of failing both. */
static int strata_write_wal_version(Btree* tree) {
  int rc = sqlite3BtreeBeginTrans(tree, 2, 0);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3BtreeSetVersion(tree, 2);
  if (rc == SQLITE_OK) rc = sqlite3BtreeCommit(tree);
  if (rc != SQLITE_OK) sqlite3BtreeRollback(tree, SQLITE_OK, 0);
  return rc;
}

static int strata_switch_to_wal(Btree* tree, const char** reason) {
  Pager* pager = sqlite3BtreePager(tree);
  int is_wal = 0;
  int rc;
  *reason = 0;
  if (pager->tempFile || sqlite3PagerIsMemdb(pager) || !sqlite3PagerWalSupported(pager)) {
    *reason = "needs a database file, on a VFS with shared memory, and without immutable or nolock";
    return SQLITE_ERROR;
  }
  rc = strata_read_header(tree, &is_wal);
  if (rc != SQLITE_OK || is_wal) return rc;
  if (sqlite3PagerIsreadonly(pager)) {
    *reason = "a read-only database cannot be switched to WAL";
    return SQLITE_READONLY;
  }
  rc = strata_write_wal_version(tree);
  if (rc == SQLITE_OK) rc = strata_read_header(tree, &is_wal);
  if (rc == SQLITE_OK && !is_wal) {
    *reason = "the database does not open in WAL mode";
    rc = SQLITE_CANTOPEN_BKPT;
  }
  return rc;
}

/* `*message`, set with an error, is freed with sqlite3_free(). */
static int strata_prepare_database(Btree* tree, char** message) {
  Pager* pager = sqlite3BtreePager(tree);
  const strata_wal_methods* engine;
  const char* reason;
  int asked;
  int rc = strata_choose_by_uri(pager->zFilename, &asked, &engine, message);
  if (!asked) return strata_choose_by_environment(&engine, message);
  if (rc != SQLITE_OK || engine == 0) return rc;
  rc = strata_switch_to_wal(tree, &reason);
  if (rc != SQLITE_OK) {
    if (reason == 0 && engine->last_error) reason = engine->last_error();
    if (reason == 0 || reason[0] == 0) reason = sqlite3ErrStr(rc);
    *message = sqlite3_mprintf("wal=%s: %s", engine->name, reason);
  }
  return rc;
}

/* The words for a database whose schema cannot be read, with the reason when it is that its log did not open. */
static const char* strata_init_error(sqlite3* db, int index, int rc) {
  static __thread char text[1000];
  const char* words = sqlite3ErrStr(rc);
  const char* reason = 0;
  const Btree* tree = db->aDb[index].pBt;
  const Pager* pager = tree ? sqlite3BtreePager((Btree*)tree) : 0;
  if (pager == 0 || strata_unopened.pager != pager || strata_unopened.rc != rc) return words;
  strata_unopened.pager = 0;
  if (strata_unopened.methods) {
    if (strata_unopened.methods->last_error) reason = strata_unopened.methods->last_error();
  } else if (pager->readOnly && (rc & 0xff) == SQLITE_CANTOPEN) {
    reason = "a database in WAL mode that cannot be written: wal=strata or immutable=1 in its URI reads it";
  }
  if (reason == 0 || reason[0] == 0) return words;
  return sqlite3_snprintf(sizeof(text), text, "%s: %s", words, reason);
}

/* In the place of sqlite3AutoLoadExtensions() in sqlite3_open(). */
static void strata_open_main(sqlite3* db) {
  char* message = 0;
  int rc;
  sqlite3_busy_timeout(db, STRATA_OPEN_BUSY_MS);
  rc = strata_prepare_database(db->aDb[0].pBt, &message);
  sqlite3_busy_timeout(db, 0);
  if (rc == SQLITE_OK) rc = strata_add_functions_for(db, sqlite3BtreePager(db->aDb[0].pBt));
  if (rc != SQLITE_OK) {
    sqlite3ErrorWithMsg(db, rc, message ? "%s" : 0, message);
  } else {
    sqlite3AutoLoadExtensions(db);
  }
  sqlite3_free(message);
}

/* VACUUM attaches the database that it fills, which must be empty and has no log: INTO gives a plain file. */
static int strata_prepare_vacuumed(Btree* tree, char** message) {
  const strata_wal_methods* engine;
  int asked;
  return strata_choose_by_uri(sqlite3BtreePager(tree)->zFilename, &asked, &engine, message);
}

/* In the place of sqlite3Init() in ATTACH, where the new database is the last one. */
static int strata_init_attached(sqlite3* db, char** message) {
  Btree* tree = db->aDb[db->nDb - 1].pBt;
  char* reason = 0;
  int rc = (db->mDbFlags & DBFLAG_Vacuum) ? strata_prepare_vacuumed(tree, &reason)
                                          : strata_prepare_database(tree, &reason);
  if (rc == SQLITE_OK) rc = strata_add_functions_for(db, sqlite3BtreePager(tree));
  if (rc == SQLITE_OK) return sqlite3Init(db, message);
  if (reason) sqlite3SetString(message, db, reason);
  sqlite3_free(reason);
  return rc;
}
