/* After pager.c. */
#undef sqlite3OsDelete
