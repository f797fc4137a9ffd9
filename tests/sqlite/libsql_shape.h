/* The shape of libSQL's virtual WAL, version 2, as far as tests/sqlite/libsql_adapter.c needs it:
*names, order and types of
** what libSQL (libsql-sqlite3/src/wal.h and page_header.h) declares, so that the adapter compiles
*without libSQL's source.
** Inside libSQL the adapter includes those headers instead: -DSTRATA_LIBSQL_HEADER='"wal.h"'.
*/
#ifndef STRATA_TESTS_SQLITE_LIBSQL_SHAPE_H
#define STRATA_TESTS_SQLITE_LIBSQL_SHAPE_H

#include "sqlite3.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wal_impl wal_impl;
typedef struct wal_manager_impl wal_manager_impl;

typedef struct libsql_pghdr {
  void* pPage;
  void* pData;
  void* pExtra;
  void* pCache;
  struct libsql_pghdr* pDirty;
  void* pPager;
  unsigned int pgno;
} libsql_pghdr;

typedef int (*libsql_checkpoint_callback)(void*, int, const unsigned char*, int, int, int);

typedef struct libsql_wal_methods {
  int iVersion;
  void (*xLimit)(wal_impl*, long long);
  int (*xBeginReadTransaction)(wal_impl*, int*);
  void (*xEndReadTransaction)(wal_impl*);
  int (*xFindFrame)(wal_impl*, unsigned int, unsigned int*);
  int (*xReadFrame)(wal_impl*, unsigned int, int, unsigned char*);
  int (*xReadFrameRaw)(wal_impl*, unsigned int, int, unsigned char*);
  unsigned int (*xDbsize)(wal_impl*);
  int (*xBeginWriteTransaction)(wal_impl*);
  int (*xEndWriteTransaction)(wal_impl*);
  int (*xUndo)(wal_impl*, int (*)(void*, unsigned int), void*);
  void (*xSavepoint)(wal_impl*, unsigned int*);
  int (*xSavepointUndo)(wal_impl*, unsigned int*);
  int (*xFrameCount)(wal_impl*, int, unsigned int*);
  int (*xFrames)(wal_impl*, int, libsql_pghdr*, unsigned int, int, int, int*);
  int (*xCheckpoint)(wal_impl*, sqlite3*, int, int (*)(void*), void*, int, int, unsigned char*,
                     int*, int*, libsql_checkpoint_callback, void*);
  int (*xCallback)(wal_impl*);
  int (*xExclusiveMode)(wal_impl*, int);
  int (*xHeapMemory)(wal_impl*);
  int (*xSnapshotGet)(wal_impl*, sqlite3_snapshot**);
  void (*xSnapshotOpen)(wal_impl*, sqlite3_snapshot*);
  int (*xSnapshotRecover)(wal_impl*);
  int (*xSnapshotCheck)(void*, sqlite3_snapshot*);
  void (*xSnapshotUnlock)(wal_impl*);
  int (*xFramesize)(wal_impl*);
  sqlite3_file* (*xFile)(wal_impl*);
  int (*xWriteLock)(wal_impl*, int);
  void (*xDb)(wal_impl*, sqlite3*);
  void (*xSavepointForget)(wal_impl*, unsigned int*);
} libsql_wal_methods;

typedef struct libsql_wal {
  libsql_wal_methods methods;
  wal_impl* pData;
} libsql_wal;

typedef struct libsql_wal_manager {
  int bUsesShm;
  int (*xOpen)(wal_manager_impl*, sqlite3_vfs*, sqlite3_file*, int, long long, const char*,
               libsql_wal*);
  int (*xClose)(wal_manager_impl*, wal_impl*, sqlite3*, int, int, unsigned char*);
  int (*xLogDestroy)(wal_manager_impl*, sqlite3_vfs*, const char*);
  int (*xLogExists)(wal_manager_impl*, sqlite3_vfs*, const char*, int*);
  void (*xDestroy)(wal_manager_impl*);
  wal_manager_impl* pData;
} libsql_wal_manager;

#ifdef __cplusplus
}
#endif
#endif
