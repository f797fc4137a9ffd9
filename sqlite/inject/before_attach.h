/* Before attach.c: an attached database is prepared before its schema is read. */
#define sqlite3Init strata_init_attached
