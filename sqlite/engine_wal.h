#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sqlite/engine_guard.h"
#include "sqlite/engine_result.h"
#include "sqlite/vfs_file_system.h"
#include "sqlite/virtual_wal.h"
#include "wal/connection.h"

// One pager's connection to a log: what stands behind the Wal* of SQLite.
struct strata_wal {
  const strata_wal_host* host = nullptr;
  std::string directory;
  sqlite3_file* database = nullptr;
  std::shared_ptr<strata::sqlite::VfsFileSystem>
      vfs_files;  // outlives the connection; often nullptr
  std::unique_ptr<strata::wal::Connection> connection;
  std::string log_key;  // of ReleaseLog
  int fork_generation = 0;

  strata_sqlite_connection* sqlite = nullptr;  // the SQLite connection that uses it now
  strata::segment::FrameNo found;              // by the last find_frame
  uint32_t found_token = 0;                    // what it answered; 0 when that was used
  uint64_t committed_frames = 0;       // in the log after a commit that callback() has not told yet
  strata::segment::FrameNo log_start;  // as this connection saw or made it last
  bool exclusive = false;
  bool heap_memory = false;
  std::optional<strata::segment::FrameNo> snapshots_from;  // that sqlite3_snapshot_recover() found
  strata_page_copied page_copied = nullptr;
  void* page_copied_context = nullptr;
  sqlite3_file no_file = {};  // that is not open
  std::optional<strata::wal::CommitPoint> requested_snapshot;
};

namespace strata::sqlite {

// sqlite3_interrupt() was called on the connection that uses the wal.
bool IsInterrupted(const strata_wal* wal);

// False when the process forked after the wal was opened: then its locks, threads and snapshot are
// the parent's, and nothing of it may be touched.
bool IsOfThisProcess(const strata_wal* wal);
// SQLITE_OK, or an error in that case, told to the application's log.
int CheckProcess(const strata_wal* wal);

// What this connection did may have started the log again: no news to itself.
inline void KeepLogStart(strata_wal* wal) { wal->log_start = wal->connection->log().counts_from(); }

// The entries of the table, by file: strata_engine.cc, strata_engine_read.cc,
// strata_engine_write.cc, strata_engine_checkpoint.cc, strata_engine_frames.cc,
// strata_engine_snapshot.cc.
int BeginRead(strata_wal*, int* changed);
void EndRead(strata_wal*);
int FindFrame(strata_wal*, uint32_t page_no, uint32_t* token);
int ReadFrame(strata_wal*, uint32_t token, int bytes, uint8_t* to);
int ChangedPages(strata_wal*, uint32_t limit, void (*changed)(void*, uint32_t), void* context);
uint32_t DatabasePages(strata_wal*);

int WriteLock(strata_wal*, int lock);
int BeginWrite(strata_wal*);
int EndWrite(strata_wal*);
int Undo(strata_wal*, int (*undo_page)(void*, uint32_t), void* context);
void Savepoint(strata_wal*, uint32_t* words);
int SavepointUndo(strata_wal*, uint32_t* words);
int Frames(strata_wal*, int page_size, const strata_wal_page* pages, size_t count,
           uint32_t database_pages, int commit, int sync_flags);
int Callback(strata_wal*, int default_hook, int autocheckpoint_frames);

int Checkpoint(strata_wal*, strata_sqlite_connection*, int mode, int (*busy)(void*),
               void* busy_context, int sync_flags, int buffer_bytes, uint8_t* buffer,
               int* log_frames, int* checkpointed_frames);

uint32_t NumberInLog(const strata_wal*, segment::FrameNo);  // 0: before the log's start
int FrameCount(strata_wal*, int locked, uint32_t* frames);
int ReadFrameRaw(strata_wal*, uint32_t frame, int bytes, uint8_t* to);
int ReadNumbered(strata_wal*, uint32_t frame, int bytes, uint8_t* to);  // the page alone
int FrameBytes(strata_wal*);
void SavepointForget(strata_wal*, uint32_t* words);
sqlite3_file* File(strata_wal*);
void WatchCheckpoints(strata_wal*, strata_page_copied, void* context);

int SnapshotGet(strata_wal*, unsigned char* snapshot);
void SnapshotOpen(strata_wal*, const unsigned char* snapshot);
int SnapshotRecover(strata_wal*);
int SnapshotCheck(strata_wal*, const unsigned char* snapshot);
void SnapshotUnlock(strata_wal*);
int SnapshotCompare(const unsigned char* a, const unsigned char* b);

// strata_engine_functions.cc
int CurrentFrame(strata_wal*, int64_t* frame);
int DurableFrame(strata_wal*, int* has_store, int64_t* frame);
int WaitDurable(strata_wal*, int64_t frame, int64_t timeout_ms, int* reached);
int Seal(strata_wal*, int64_t* frame);
int Status(strata_wal*, const char** json);

}  // namespace strata::sqlite
