/* Before pager.c: the engines, and its deletion of a log by name and its clearing of the page cache
** redirected to them. */
#include "sqlite/virtual_wal.h"
#include "sqlite/inject/engines.c"
#include "sqlite/inject/delete_log.c"
#define sqlite3OsDelete strata_os_delete
static void strata_clear_cache(Pager*, PCache*); /* page_cache.c */
#define sqlite3PcacheClear(cache) strata_clear_cache(pPager, cache)
