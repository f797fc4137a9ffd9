/* Before a part that has to behave as upstream's default build, without blocking locks. */
#pragma push_macro("SQLITE_ENABLE_SETLK_TIMEOUT")
#undef SQLITE_ENABLE_SETLK_TIMEOUT
