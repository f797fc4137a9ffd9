/* The table through which SQLite's pager reaches a write-ahead log that is not SQLite's own.
**
** C, and free of SQLite's internal types: the injected part of sqlite3.c (sqlite/inject/) fills the
** arguments in, an engine fills the table. SQLite's built-in WAL stays one implementation beside
** it. The methods follow sqlite3Wal*() one by one, and libSQL's libsql_wal_methods (version 2) and
** libsql_wal_manager: docs/sqlite_fork.md has them side by side, and tests/sqlite/libsql_adapter.c
** is the adapter.
**
** Results are SQLite result codes. A method may be called from any thread, but calls on one `wal`
** never overlap. No C++ exception leaves a method. */
#ifndef STRATA_SQLITE_VIRTUAL_WAL_H
#define STRATA_SQLITE_VIRTUAL_WAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Objects of the embedding SQLite, opaque here. */
typedef struct strata_sqlite_connection strata_sqlite_connection; /* sqlite3* */
struct sqlite3_vfs;
struct sqlite3_file;

/* What an engine may ask of the SQLite that it is injected into. Lives as long as the process. A
** `wal_name` must be the pointer that SQLite handed out (strata_wal_open_args, delete_log, is_log),
** while it is valid, and not a copy: the database's name and its parameters lie before it. */
typedef struct strata_wal_host {
  int version; /* 1 */

  /* Milliseconds of sqlite3_busy_timeout(); 0 when none, or when the application has its own
  ** handler. */
  int (*busy_timeout_ms)(strata_sqlite_connection*);
  /* Nonzero once sqlite3_interrupt() was called and before it took effect. Safe while `wal` is in
  ** use. */
  int (*is_interrupted)(strata_sqlite_connection*);
  /* URI parameter of the database behind a WAL name, or NULL. */
  const char* (*uri_parameter)(const char* wal_name, const char* key);
  /* Name of the database file behind a WAL name. */
  const char* (*database_name)(const char* wal_name);
  /* sqlite3_log(). */
  void (*log)(int result_code, const char* message);
  /* Opens another handle on the database file through SQLite's own VFS (flags as xOpen's); it takes
  ** no lock. The handle is closed and freed with close_file. */
  int (*open_file)(struct sqlite3_vfs*, const char* wal_name, int flags, struct sqlite3_file** out);
  void (*close_file)(struct sqlite3_file*);
  /* xRead (short reads are filled with zeros and answer SQLITE_IOERR_SHORT_READ), xWrite, … of a
  ** handle. */
  int (*read_file)(struct sqlite3_file*, void* to, int bytes, int64_t offset);
  int (*write_file)(struct sqlite3_file*, const void* from, int bytes, int64_t offset);
  int (*truncate_file)(struct sqlite3_file*, int64_t size);
  int (*sync_file)(struct sqlite3_file*, int full);
  int (*file_size)(struct sqlite3_file*, int64_t* size);
  /* Lock levels of sqlite3.h (SQLITE_LOCK_*), on the connection's own handle. */
  int (*lock_file)(struct sqlite3_file*, int level);
  int (*unlock_file)(struct sqlite3_file*, int level);
} strata_wal_host;

/* One page of sqlite3WalFrames' list. */
typedef struct strata_wal_page {
  uint32_t page_no;
  const void* data;
} strata_wal_page;

typedef struct strata_wal_open_args {
  struct sqlite3_vfs* vfs;
  struct sqlite3_file* database; /* the connection's handle; outlives the wal */
  const char* wal_name;          /* "….db-wal"; owned by the pager, outlives the wal */
  int no_shared_memory;          /* exclusive locking mode from the start */
  int64_t size_limit;            /* journal_size_limit, bytes; negative: none */
  int read_only;                 /* the database handle was opened read-only */
} strata_wal_open_args;

typedef struct strata_wal strata_wal; /* an engine's connection to a log */

enum strata_checkpoint_mode {                              /* as SQLITE_CHECKPOINT_* */
                              STRATA_CHECKPOINT_NOOP = -1, /* only reports; from SQLite 3.51 on */
                              STRATA_CHECKPOINT_PASSIVE = 0,
                              STRATA_CHECKPOINT_FULL = 1,
                              STRATA_CHECKPOINT_RESTART = 2,
                              STRATA_CHECKPOINT_TRUNCATE = 3
};

/* A position within the open write transaction, kept in SQLite's savepoints (4 words). */
#define STRATA_SAVEPOINT_WORDS 4

#define STRATA_RAW_HEADER_BYTES 24

typedef int (*strata_page_copied)(void* context, int last_frame, const unsigned char* page,
                                  int bytes, int page_no, int frame);

typedef struct strata_wal_methods {
  int version;      /* 3; an engine of version 1 has no entries from uses_shared_memory on, one of 2 no
                    ** changed_pages */
  const char* name; /* the value of the URI parameter wal= that selects it */

  int (*open)(const strata_wal_open_args*, strata_wal** out);
  /* Closes; the last connection checkpoints and removes the log unless `keep_log`. `buffer` holds
  ** one page. `connection` is NULL when no checkpoint may be made
  ** (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, or the database file was moved); `keep_log`:
  ** SQLITE_FCNTL_PERSIST_WAL. */
  int (*close)(strata_wal*, strata_sqlite_connection*, int sync_flags, int buffer_bytes,
               uint8_t* buffer, int keep_log);
  void (*limit)(strata_wal*, int64_t bytes);

  int (*begin_read)(strata_wal*, int* changed);
  void (*end_read)(strata_wal*);
  /* *token = 0: read the page from the database file. Otherwise a token for the next read_frame. */
  int (*find_frame)(strata_wal*, uint32_t page_no, uint32_t* token);
  int (*read_frame)(strata_wal*, uint32_t token, int bytes, uint8_t* to);
  uint32_t (*database_pages)(strata_wal*); /* 0: not known to the log */

  /* sqlite3WalWriteLock: wait for the write lock before the snapshot is taken (lock = 1), or give
  ** back a lock that no transaction came to use (0). SQLITE_BUSY_TIMEOUT after a full wait,
  ** SQLITE_BUSY when none is wanted. */
  int (*write_lock)(strata_wal*, int lock);
  int (*begin_write)(strata_wal*);
  int (*end_write)(strata_wal*);
  int (*undo)(strata_wal*, int (*undo_page)(void*, uint32_t page_no), void* context);
  void (*savepoint)(strata_wal*, uint32_t words[STRATA_SAVEPOINT_WORDS]);
  int (*savepoint_undo)(strata_wal*, uint32_t words[STRATA_SAVEPOINT_WORDS]);
  /* Appends pages; database_pages != 0 and commit != 0: the transaction ends with the last of them.
  ** sync_flags as sqlite3WalFrames: WAL_SYNC_FLAGS 0 means that the commit need not be durable when
  ** it returns, and CKPT_SYNC_FLAGS 0 (synchronous=OFF) that nothing is ever synced for it. */
  int (*frames)(strata_wal*, int page_size, const strata_wal_page* pages, size_t count,
                uint32_t database_pages, int commit, int sync_flags);

  int (*checkpoint)(strata_wal*, strata_sqlite_connection*, int mode, int (*busy)(void*),
                    void* busy_context, int sync_flags, int buffer_bytes, uint8_t* buffer,
                    int* log_frames, int* checkpointed_frames);
  /* Frames in the log at the last commit since the last call, 0 if none. `default_hook`: the
  ** connection's hook is SQLite's own auto-checkpoint (then the engine wakes its background
  ** checkpointer and returns 0). */
  int (*callback)(strata_wal*, int default_hook, int autocheckpoint_frames);
  int (*exclusive_mode)(strata_wal*, int op);
  int (*heap_memory)(strata_wal*);
  /* The connection that will use the wal next, or NULL (sqlite3WalDb). */
  void (*set_connection)(strata_wal*, strata_sqlite_connection*);

  /* sqlite3_snapshot_*: `snapshot` is 48 bytes (sqlite3_snapshot), of which the first 4 belong to
  ** the injection: it writes them after snapshot_get, and the engine neither reads nor compares
  ** them. NULL entries: not supported. */
  int (*snapshot_get)(strata_wal*, unsigned char snapshot[48]);
  void (*snapshot_open)(strata_wal*, const unsigned char* snapshot); /* NULL: forget */
  int (*snapshot_recover)(strata_wal*);
  int (*snapshot_check)(strata_wal*, const unsigned char snapshot[48]);
  void (*snapshot_unlock)(strata_wal*);
  int (*snapshot_compare)(const unsigned char a[48], const unsigned char b[48]);

  /* pager.c deletes a log by name beside an empty database. Called when `wal_name` is a directory.
  ** SQLITE_OK: the directory held no commits and is gone; SQLITE_CANTOPEN: it holds some and stays.
  */
  int (*delete_log)(struct sqlite3_vfs*, const char* wal_name);
  /* *is_log: nonzero when `wal_name` is a log of this engine (selects it without a parameter). */
  int (*is_log)(struct sqlite3_vfs*, const char* wal_name, int* is_log);
  /* Why the last open, or SQL function, failed on this thread, or "": the message of a failed
  ** sqlite3_open() or ATTACH. May be NULL. The text lives until the thread's next call of a
  ** method. */
  const char* (*last_error)(void);

  /* What libSQL's table has beside SQLite's calls. */

  /* Nonzero when the log needs the VFS's shared memory (xShmMap, xShmLock). */
  int uses_shared_memory;
  /* Frames in the log: up to this connection's snapshot, with those of its own open transaction;
  ** outside of a read transaction, up to the last commit. Counted from where the log was last
  ** started again, as checkpoint() does. Needs no lock, whether the caller has the write lock
  ** (`locked`) or not. */
  int (*frame_count)(strata_wal*, int locked, uint32_t* frames);
  /* Frame 1 to frame_count() as it stands in SQLite's log: a header of STRATA_RAW_HEADER_BYTES
  ** (big-endian words: page number; pages of the database after a commit, or 0; two of salt, which
  ** tell one log from another; two of checksum, 0) and the page, cut off after `bytes`.
  ** SQLITE_ERROR: no such frame, or a checkpoint has passed it and it left the log. read_frame()
  ** takes such a number too, beside the tokens of find_frame(). */
  int (*read_frame_raw)(strata_wal*, uint32_t frame, int bytes, uint8_t* to);
  /* Bytes of a page in the log; 0 before the first commit to it. */
  int (*frame_bytes)(strata_wal*);
  /* The savepoint will not be asked for again. */
  void (*savepoint_forget)(strata_wal*, uint32_t words[STRATA_SAVEPOINT_WORDS]);
  /* A file that is not open, as long as `wal` lives: the log is not one file. */
  struct sqlite3_file* (*file)(strata_wal*);
  /* For the checkpoints that this connection asks for from now on (not those of the background):
  ** `copied` is called for each page that was copied, with the log's last frame, and once with
  ** `page` NULL and zeros when everything in the log is in the database file. A result but
  ** SQLITE_OK ends the checkpoint, which then answers it. NULL: no more. */
  void (*watch_checkpoints)(strata_wal*, strata_page_copied copied, void* context);

  /* What the SQL functions of docs/sql_functions.md answer; each may be NULL. They return a result
  ** code whose reason, if any, is in last_error. They may be called with a transaction open and
  ** without one. */
  /* The last commit that the open read transaction sees; without one, the last visible commit; 0
  ** when there is none. */
  int (*frame)(strata_wal*, int64_t* frame);
  /* The store has everything up to here; *has_store = 0: there is no store. */
  int (*durable_frame)(strata_wal*, int* has_store, int64_t* frame);
  /* *reached = 1 once the store has `frame`, 0 after `timeout_ms` (negative: no limit). */
  int (*wait_durable)(strata_wal*, int64_t frame, int64_t timeout_ms, int* reached);
  /* Has everything that is visible sealed and sent to the store, without waiting; returns its last
  ** frame. */
  int (*seal)(strata_wal*, int64_t* frame);
  /* The state of the log as a JSON object. The text lives until the thread's next call of a method.
  ** */
  int (*status)(strata_wal*, const char** json);

  /* From version 3 on; may be NULL. */
  /* Right after a begin_read that set *changed: calls `changed` for the pages, at most `limit`, whose
  ** content may differ from that in this connection's snapshot before. Pages behind
  ** database_pages() need not be told. Nonzero: those were all; 0: there are more, or it is not
  ** known which. */
  int (*changed_pages)(strata_wal*, uint32_t limit,
                       void (*changed)(void* context, uint32_t page_no), void* context);
} strata_wal_methods;

/* Registers an engine and hands it its host. Before the first database is opened; once per process
** and name. The table must live as long as the process. Implemented in the injected sqlite3.c. */
int strata_wal_register(const strata_wal_methods* methods, const strata_wal_host** host);

/* The engine "strata" of libstrata.a. Called by the injection when a log or an engine is first
** asked for. */
const strata_wal_methods* strata_engine_methods(void);
/* Hands the engine its host (called by the injection right after registration). */
void strata_engine_attach(const strata_wal_host* host);

#ifdef __cplusplus
}
#endif
#endif /* STRATA_SQLITE_VIRTUAL_WAL_H */
