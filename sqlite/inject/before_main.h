/* Before main.c: sqlite3_open() prepares the database where it loads the automatic extensions. */
#define sqlite3AutoLoadExtensions strata_open_main
