/* After a part that was compiled without blocking locks. */
#pragma pop_macro("SQLITE_ENABLE_SETLK_TIMEOUT")
