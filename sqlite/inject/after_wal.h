/* After wal.c: the names are defined again, as dispatchers between the built-in log and the engines. */
#pragma pop_macro("SQLITE_API")

#undef Wal
#undef sqlite3WalOpen
#undef sqlite3WalClose
#undef sqlite3WalLimit
#undef sqlite3WalBeginReadTransaction
#undef sqlite3WalEndReadTransaction
#undef sqlite3WalFindFrame
#undef sqlite3WalReadFrame
#undef sqlite3WalDbsize
#undef sqlite3WalBeginWriteTransaction
#undef sqlite3WalEndWriteTransaction
#undef sqlite3WalUndo
#undef sqlite3WalSavepoint
#undef sqlite3WalSavepointUndo
#undef sqlite3WalFrames
#undef sqlite3WalCheckpoint
#undef sqlite3WalCallback
#undef sqlite3WalExclusiveMode
#undef sqlite3WalHeapMemory
#undef sqlite3WalSnapshotGet
#undef sqlite3WalSnapshotOpen
#undef sqlite3WalSnapshotRecover
#undef sqlite3WalSnapshotCheck
#undef sqlite3WalSnapshotUnlock
#undef sqlite3WalFile
#undef sqlite3_snapshot_cmp
#undef sqlite3WalDb /* wal.c without blocking locks makes it an empty macro */
#include "sqlite/inject/show_blocking_locks.h"

#include "sqlite/inject/choose.c"
#include "sqlite/inject/builtin_leftover.c"
#include "sqlite/inject/own_files.c"
#include "sqlite/inject/dispatch.c"
#include "sqlite/inject/page_cache.c"
#include "sqlite/inject/snapshots.c"
#include "sqlite/inject/host.c"
#include "sqlite/inject/functions.c"
#include "sqlite/inject/open_database.c"
