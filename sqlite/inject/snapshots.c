/* sqlite3_snapshot_…: an engine's snapshots are told from SQLite's own by their first four bytes, where SQLite's
** have a version number (and 0 in the blank one that asks for a snapshot to be kept). Part of the injected
** sqlite3.c.
*/

/* 0: not an engine's, else 1 + the engine's slot. */
static int strata_snapshot_kind(const sqlite3_snapshot* snapshot) {
  const unsigned char* bytes = snapshot->hidden;
  return memcmp(bytes, "Str", 3) == 0 ? bytes[3] : 0;
}

static int strata_kind_of_log(const Wal* wal) {
  return wal->methods ? 1 + strata_slot_of(wal->methods->name) : 0;
}

SQLITE_PRIVATE int sqlite3WalSnapshotGet(Wal* wal, sqlite3_snapshot** out) {
  sqlite3_snapshot* snapshot;
  int rc;
  if (wal->methods == 0) return builtin_sqlite3WalSnapshotGet(wal->builtin, out);
  *out = 0;
  if (wal->methods->snapshot_get == 0) return SQLITE_ERROR;
  snapshot = sqlite3MallocZero(sizeof(*snapshot));
  if (snapshot == 0) return SQLITE_NOMEM_BKPT;
  rc = wal->methods->snapshot_get(wal->engine, snapshot->hidden);
  if (rc != SQLITE_OK) {
    sqlite3_free(snapshot);
    return rc;
  }
  memcpy(snapshot->hidden, "Str", 3);
  snapshot->hidden[3] = (unsigned char)strata_kind_of_log(wal);
  *out = snapshot;
  return SQLITE_OK;
}

SQLITE_PRIVATE void sqlite3WalSnapshotOpen(Wal* wal, sqlite3_snapshot* snapshot) {
  static const unsigned char blank[4] = {0, 0, 0, 0};
  if (wal->methods == 0) {
    builtin_sqlite3WalSnapshotOpen(wal->builtin, snapshot);
    return;
  }
  if (snapshot && memcmp(snapshot->hidden, blank, 4) == 0) snapshot = 0;
  wal->foreign_snapshot = snapshot && strata_snapshot_kind(snapshot) != strata_kind_of_log(wal);
  if (wal->foreign_snapshot) snapshot = 0;
  if (wal->methods->snapshot_open) {
    wal->methods->snapshot_open(wal->engine, snapshot ? snapshot->hidden : 0);
  }
}

SQLITE_PRIVATE int sqlite3WalSnapshotRecover(Wal* wal) {
  if (wal->methods == 0) return builtin_sqlite3WalSnapshotRecover(wal->builtin);
  return wal->methods->snapshot_recover ? wal->methods->snapshot_recover(wal->engine) : SQLITE_ERROR;
}

SQLITE_PRIVATE int sqlite3WalSnapshotCheck(Wal* wal, sqlite3_snapshot* snapshot) {
  if (wal->methods == 0) return builtin_sqlite3WalSnapshotCheck(wal->builtin, snapshot);
  if (wal->methods->snapshot_check == 0) return SQLITE_ERROR;
  if (strata_snapshot_kind(snapshot) != strata_kind_of_log(wal)) return SQLITE_ERROR_SNAPSHOT;
  return wal->methods->snapshot_check(wal->engine, snapshot->hidden);
}

SQLITE_PRIVATE void sqlite3WalSnapshotUnlock(Wal* wal) {
  if (wal->methods == 0) {
    builtin_sqlite3WalSnapshotUnlock(wal->builtin);
  } else if (wal->methods->snapshot_unlock) {
    wal->methods->snapshot_unlock(wal->engine);
  }
}

/* Snapshots of different logs have no order; the answer is only steady. */
SQLITE_API int sqlite3_snapshot_cmp(sqlite3_snapshot* a, sqlite3_snapshot* b) {
  const int kind = strata_snapshot_kind(a);
  const strata_wal_methods* methods;
  if (kind != strata_snapshot_kind(b)) return kind - strata_snapshot_kind(b);
  if (kind == 0) return builtin_sqlite3_snapshot_cmp(a, b);
  if (kind > strata_load(&strata_engine_count)) return 0;
  methods = strata_engines[kind - 1];
  return methods->snapshot_compare ? methods->snapshot_compare(a->hidden, b->hidden) : 0;
}
