/* After pager.c. */
#undef sqlite3OsDelete
#undef sqlite3PcacheClear
