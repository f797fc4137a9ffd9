/* Before main.c: sqlite3_open() prepares the database where it loads the automatic extensions, and
** sqlite3_file_control() (which knows pPager) reaches the handles of engines too. */
#define sqlite3AutoLoadExtensions strata_open_main
#define sqlite3OsFileControl(file, op, argument) strata_file_control(pPager, file, op, argument)
