/* When others have committed, SQLite clears a connection's page cache. Where the engine can tell which pages
** they changed, only those leave it. Part of the injected sqlite3.c. */

static void strata_forget_page(void* context, u32 page_no) {
  PgHdr* page = sqlite3PagerLookup((Pager*)context, page_no);
  if (page) sqlite3PcacheDrop(page);
}

/* As reading it again would: the change counter goes on from there. */
static void strata_note_page_one(Pager* pager) {
  PgHdr* page = sqlite3PagerLookup(pager, 1);
  if (page == 0) return;
  memcpy(&pager->dbFileVers, (u8*)page->pData + 24, sizeof(pager->dbFileVers));
  sqlite3PcacheRelease(page);
}

static int strata_forget_changed(Pager* pager, PCache* cache) {
  const strata_wal_methods* methods = pager->pWal->methods;
  strata_wal* engine = pager->pWal->engine;
  const Pgno pages = methods->database_pages(engine);
  /* Looking for a page costs far less than reading it again. */
  const u32 limit = 64 + 4 * (u32)sqlite3PcachePagecount(cache);
  if (methods->version < 3 || methods->changed_pages == 0) return 0;
  if (pages == 0 || sqlite3PcacheRefCount(cache) != 0) return 0;
  if (!methods->changed_pages(engine, limit, strata_forget_page, pager)) return 0;
  sqlite3PcacheTruncate(cache, pages);
  strata_note_page_one(pager);
  return 1;
}

/* pager.c clears the cache right after the log has told of a change, and for other reasons. */
static void strata_clear_cache(Pager* pager, PCache* cache) {
  Wal* wal = pager->pWal;
  const int knows = wal && wal->knows_changes;
  if (wal) wal->knows_changes = 0;
  if (!knows || !strata_forget_changed(pager, cache)) sqlite3PcacheClear(cache);
}
