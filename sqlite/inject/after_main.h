/* After main.c. */
#undef sqlite3AutoLoadExtensions
#undef sqlite3OsFileControl
