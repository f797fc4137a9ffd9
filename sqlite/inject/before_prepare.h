/* Before prepare.c: sqlite3InitOne(), which alone asks there for an error's words, hears why a log did not open. */
#define sqlite3ErrStr(rc) strata_init_error(db, iDb, rc)
