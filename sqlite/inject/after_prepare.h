/* After prepare.c. */
#undef sqlite3ErrStr
