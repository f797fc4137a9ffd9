/* After main.c. */
#undef sqlite3AutoLoadExtensions
