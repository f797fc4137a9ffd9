/* First line of the injected sqlite3.c: the options that a pluggable log depends on. */
#ifndef SQLITE_ENABLE_SETLK_TIMEOUT
#define SQLITE_ENABLE_SETLK_TIMEOUT 1 /* the pager then asks for the write lock before the snapshot */
#endif
#ifndef SQLITE_ENABLE_SNAPSHOT
#define SQLITE_ENABLE_SNAPSHOT 1
#endif
#if defined(SQLITE_OMIT_WAL) || defined(SQLITE_ENABLE_ZIPVFS) || defined(SQLITE_USE_SEH)
#error "a pluggable log excludes SQLITE_OMIT_WAL, SQLITE_ENABLE_ZIPVFS and SQLITE_USE_SEH"
#endif
