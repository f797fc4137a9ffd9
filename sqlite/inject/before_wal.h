/* Before wal.c: every name that it gives to the rest of SQLite becomes builtin_… */
#include "sqlite/inject/hide_blocking_locks.h"

#define Wal builtin_Wal
#define sqlite3WalOpen builtin_sqlite3WalOpen
#define sqlite3WalClose builtin_sqlite3WalClose
#define sqlite3WalLimit builtin_sqlite3WalLimit
#define sqlite3WalBeginReadTransaction builtin_sqlite3WalBeginReadTransaction
#define sqlite3WalEndReadTransaction builtin_sqlite3WalEndReadTransaction
#define sqlite3WalFindFrame builtin_sqlite3WalFindFrame
#define sqlite3WalReadFrame builtin_sqlite3WalReadFrame
#define sqlite3WalDbsize builtin_sqlite3WalDbsize
#define sqlite3WalBeginWriteTransaction builtin_sqlite3WalBeginWriteTransaction
#define sqlite3WalEndWriteTransaction builtin_sqlite3WalEndWriteTransaction
#define sqlite3WalUndo builtin_sqlite3WalUndo
#define sqlite3WalSavepoint builtin_sqlite3WalSavepoint
#define sqlite3WalSavepointUndo builtin_sqlite3WalSavepointUndo
#define sqlite3WalFrames builtin_sqlite3WalFrames
#define sqlite3WalCheckpoint builtin_sqlite3WalCheckpoint
#define sqlite3WalCallback builtin_sqlite3WalCallback
#define sqlite3WalExclusiveMode builtin_sqlite3WalExclusiveMode
#define sqlite3WalHeapMemory builtin_sqlite3WalHeapMemory
#define sqlite3WalSnapshotGet builtin_sqlite3WalSnapshotGet
#define sqlite3WalSnapshotOpen builtin_sqlite3WalSnapshotOpen
#define sqlite3WalSnapshotRecover builtin_sqlite3WalSnapshotRecover
#define sqlite3WalSnapshotCheck builtin_sqlite3WalSnapshotCheck
#define sqlite3WalSnapshotUnlock builtin_sqlite3WalSnapshotUnlock
#define sqlite3WalFile builtin_sqlite3WalFile
#define sqlite3_snapshot_cmp builtin_sqlite3_snapshot_cmp

typedef struct builtin_Wal builtin_Wal;

SQLITE_PRIVATE int sqlite3WalOpen(sqlite3_vfs *, sqlite3_file *, const char *, int, i64, Wal **);
SQLITE_PRIVATE int sqlite3WalClose(Wal *, sqlite3 *, int, int, u8 *);
SQLITE_PRIVATE void sqlite3WalLimit(Wal *, i64);
SQLITE_PRIVATE int sqlite3WalBeginReadTransaction(Wal *, int *);
SQLITE_PRIVATE void sqlite3WalEndReadTransaction(Wal *);
SQLITE_PRIVATE int sqlite3WalFindFrame(Wal *, Pgno, u32 *);
SQLITE_PRIVATE int sqlite3WalReadFrame(Wal *, u32, int, u8 *);
SQLITE_PRIVATE Pgno sqlite3WalDbsize(Wal *);
SQLITE_PRIVATE int sqlite3WalBeginWriteTransaction(Wal *);
SQLITE_PRIVATE int sqlite3WalEndWriteTransaction(Wal *);
SQLITE_PRIVATE int sqlite3WalUndo(Wal *, int (*)(void *, Pgno), void *);
SQLITE_PRIVATE void sqlite3WalSavepoint(Wal *, u32 *);
SQLITE_PRIVATE int sqlite3WalSavepointUndo(Wal *, u32 *);
SQLITE_PRIVATE int sqlite3WalFrames(Wal *, int, PgHdr *, Pgno, int, int);
SQLITE_PRIVATE int sqlite3WalCheckpoint(Wal *, sqlite3 *, int, int (*)(void *), void *, int, int,
                                        u8 *, int *, int *);
SQLITE_PRIVATE int sqlite3WalCallback(Wal *);
SQLITE_PRIVATE int sqlite3WalExclusiveMode(Wal *, int);
SQLITE_PRIVATE int sqlite3WalHeapMemory(Wal *);
SQLITE_PRIVATE int sqlite3WalSnapshotGet(Wal *, sqlite3_snapshot **);
SQLITE_PRIVATE void sqlite3WalSnapshotOpen(Wal *, sqlite3_snapshot *);
SQLITE_PRIVATE int sqlite3WalSnapshotRecover(Wal *);
SQLITE_PRIVATE int sqlite3WalSnapshotCheck(Wal *, sqlite3_snapshot *);
SQLITE_PRIVATE void sqlite3WalSnapshotUnlock(Wal *);
SQLITE_PRIVATE sqlite3_file *sqlite3WalFile(Wal *);
SQLITE_PRIVATE int sqlite3_snapshot_cmp(sqlite3_snapshot *, sqlite3_snapshot *);

/* Its definition is marked SQLITE_API, for the name it no longer has. */
#pragma push_macro("SQLITE_API")
#undef SQLITE_API
#define SQLITE_API SQLITE_PRIVATE
