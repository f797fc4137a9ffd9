/* Before pager.c: the engines, and its deletion of a log by name redirected to them. */
#include "sqlite/virtual_wal.h"
#include "sqlite/inject/engines.c"
#include "sqlite/inject/delete_log.c"
#define sqlite3OsDelete strata_os_delete
