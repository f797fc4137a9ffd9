/* The SQL functions of connections that use an engine: docs/sql_functions.md. Part of the injected sqlite3.c. */

static int strata_read_header(Btree* tree, int* is_wal); /* open_database.c */

/* The log of the schema that argument `schema` names ("main" without it), opened if need be. NULL: the error is set.
** Otherwise *entered is to be left with sqlite3BtreeLeave(): with a shared cache, other connections could close the log.
*/
static Wal* strata_log_of(sqlite3_context* context, int count, sqlite3_value** values, int schema, Btree** entered) {
  sqlite3* db = sqlite3_context_db_handle(context);
  const char* name = "main";
  Btree* tree;
  Wal* wal;
  char* message;
  int is_wal = 0;
  int rc = SQLITE_OK;
  if (schema < count) name = (const char*)sqlite3_value_text(values[schema]);
  tree = name ? sqlite3DbNameToBtree(db, name) : 0;
  if (tree == 0) {
    sqlite3_result_error(context, "no such database", -1);
    return 0;
  }
  sqlite3BtreeEnter(tree);
  if (sqlite3BtreePager(tree)->pWal == 0 && sqlite3BtreeTxnState(tree) == SQLITE_TXN_NONE) {
    rc = strata_read_header(tree, &is_wal);
  }
  wal = sqlite3BtreePager(tree)->pWal;
  if (rc == SQLITE_OK && wal && wal->methods) {
    *entered = tree;
    return wal;
  }
  sqlite3BtreeLeave(tree);
  if (rc != SQLITE_OK) {
    sqlite3_result_error_code(context, rc);
    return 0;
  }
  message = sqlite3_mprintf("database %s has no Strata log", name);
  if (message) {
    sqlite3_result_error(context, message, -1);
  } else {
    sqlite3_result_error_nomem(context);
  }
  sqlite3_free(message);
  return 0;
}

static void strata_result_failure(sqlite3_context* context, Wal* wal, int rc) {
  const char* reason = wal->methods->last_error ? wal->methods->last_error() : 0;
  if (rc == SQLITE_ERROR && reason && reason[0]) {
    sqlite3_result_error(context, reason, -1);
  } else {
    sqlite3_result_error_code(context, rc);
  }
}

/* Sets the result, NULL without a frame, and leaves `tree`. */
static void strata_result_frame(sqlite3_context* context, Wal* wal, Btree* tree, int rc, const int64_t* frame) {
  if (rc != SQLITE_OK) {
    strata_result_failure(context, wal, rc);
  } else if (frame) {
    sqlite3_result_int64(context, *frame);
  }
  sqlite3BtreeLeave(tree);
}

static void strata_frame_function(sqlite3_context* context, int count, sqlite3_value** values) {
  Btree* tree = 0;
  Wal* wal = strata_log_of(context, count, values, 0, &tree);
  int64_t frame = 0;
  int rc;
  if (wal == 0) return;
  rc = wal->methods->frame ? wal->methods->frame(wal->engine, &frame) : SQLITE_ERROR;
  strata_result_frame(context, wal, tree, rc, &frame);
}

static void strata_durable_frame_function(sqlite3_context* context, int count, sqlite3_value** values) {
  Btree* tree = 0;
  Wal* wal = strata_log_of(context, count, values, 0, &tree);
  int has_store = 0;
  int64_t frame = 0;
  int rc;
  if (wal == 0) return;
  rc = wal->methods->durable_frame ? wal->methods->durable_frame(wal->engine, &has_store, &frame) : SQLITE_ERROR;
  strata_result_frame(context, wal, tree, rc, has_store ? &frame : 0);
}

/* The other connections of a shared cache get their turn this often while one of them waits. */
#define STRATA_SHARED_WAIT_MS 50

/* One wait. Not 0 when that was all; then the result is set. */
static int strata_wait_once(sqlite3_context* context, int count, sqlite3_value** values, int64_t* left_ms) {
  Btree* tree = 0;
  Wal* wal = strata_log_of(context, count, values, 2, &tree);
  int64_t wait_ms = *left_ms;
  int reached = 0;
  int rc;
  if (wal == 0) return 1;
  if (sqlite3BtreeSharable(tree) && (wait_ms < 0 || wait_ms > STRATA_SHARED_WAIT_MS)) wait_ms = STRATA_SHARED_WAIT_MS;
  wal->methods->set_connection(wal->engine, strata_opaque(sqlite3_context_db_handle(context)));
  rc = wal->methods->wait_durable
           ? wal->methods->wait_durable(wal->engine, sqlite3_value_int64(values[0]), wait_ms, &reached)
           : SQLITE_ERROR;
  wal->methods->set_connection(wal->engine, strata_opaque(wal->connection));
  if (rc != SQLITE_OK) {
    strata_result_failure(context, wal, rc);
  } else {
    sqlite3_result_int(context, reached);
  }
  sqlite3BtreeLeave(tree);
  if (rc != SQLITE_OK || reached || wait_ms == *left_ms) return 1;
  if (*left_ms > 0) *left_ms -= wait_ms;
  sqlite3_sleep(1);
  return 0;
}

static void strata_wait_durable_function(sqlite3_context* context, int count, sqlite3_value** values) {
  int64_t left_ms;
  if (sqlite3_value_numeric_type(values[0]) != SQLITE_INTEGER || sqlite3_value_numeric_type(values[1]) != SQLITE_INTEGER) {
    sqlite3_result_error(context, "strata_wait_durable: expected a frame and milliseconds, whole numbers", -1);
    return;
  }
  left_ms = sqlite3_value_int64(values[1]);
  while (!strata_wait_once(context, count, values, &left_ms)) {
  }
}

static void strata_seal_function(sqlite3_context* context, int count, sqlite3_value** values) {
  Btree* tree = 0;
  Wal* wal = strata_log_of(context, count, values, 0, &tree);
  int64_t frame = 0;
  int rc;
  if (wal == 0) return;
  rc = wal->methods->seal ? wal->methods->seal(wal->engine, &frame) : SQLITE_ERROR;
  strata_result_frame(context, wal, tree, rc, &frame);
}

static void strata_status_function(sqlite3_context* context, int count, sqlite3_value** values) {
  Btree* tree = 0;
  Wal* wal = strata_log_of(context, count, values, 0, &tree);
  const char* json = 0;
  int rc;
  if (wal == 0) return;
  rc = wal->methods->status ? wal->methods->status(wal->engine, &json) : SQLITE_ERROR;
  if (rc != SQLITE_OK) {
    strata_result_failure(context, wal, rc);
  } else {
    sqlite3_result_text(context, json, -1, SQLITE_TRANSIENT);
  }
  sqlite3BtreeLeave(tree);
}

/* Twice each: for "main", and with the name of a database behind the other arguments. */
static int strata_add_functions(sqlite3* db) {
  static const struct {
    const char* name;
    int arguments;
    void (*function)(sqlite3_context*, int, sqlite3_value**);
  } all[] = {
      {"strata_frame", 0, strata_frame_function},
      {"strata_durable_frame", 0, strata_durable_frame_function},
      {"strata_wait_durable", 2, strata_wait_durable_function},
      {"strata_seal", 0, strata_seal_function},
      {"strata_status", 0, strata_status_function},
  };
  const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
  size_t i;
  int rc = SQLITE_OK;
  if (sqlite3FindFunction(db, all[0].name, 0, SQLITE_UTF8, 0)) return SQLITE_OK;
  for (i = 0; rc == SQLITE_OK && i < ArraySize(all); i++) {
    const int count = all[i].arguments;
    rc = sqlite3_create_function(db, all[i].name, count, flags, 0, all[i].function, 0, 0);
    if (rc == SQLITE_OK) rc = sqlite3_create_function(db, all[i].name, count + 1, flags, 0, all[i].function, 0, 0);
  }
  return rc;
}

/* For a database that is an engine's, or will be as soon as it is in WAL mode. An engine that cannot be chosen is no
** error yet: the pager says so when it opens the log.
*/
static int strata_add_functions_for(sqlite3* db, Pager* pager) {
  const strata_wal_methods* engine = 0;
  char* message = 0;
  int rc = SQLITE_OK;
  if (pager->zWal && pager->zWal[0]) rc = strata_choose(pager, &engine, &message);
  sqlite3_free(message);
  if ((rc & 0xff) == SQLITE_NOMEM) return rc;
  return rc == SQLITE_OK && engine ? strata_add_functions(db) : SQLITE_OK;
}
