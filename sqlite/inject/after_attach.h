/* After attach.c. */
#undef sqlite3Init
