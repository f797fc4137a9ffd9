/* An engine in a few lines: the log is an array in memory, and beside the database stands an empty directory. It
** records what the dispatcher asked of it.
*/
#pragma once

#include "sqlite/virtual_wal.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fake_record {
  int opens;
  int closes;
  int kept;             /* keep_log of the last close */
  int close_connection; /* whether the last close got a connection */
  int largest_append;   /* pages in one call of frames */
  int default_hooks;    /* callbacks for SQLite's own hook */
  int autocheckpoint;   /* frames, at the last of them */
  int write_locks;
  int undone_pages;
  int deletes;
  int read_only;
  int busy_timeout_ms; /* of the connection that asked for the write lock last */
} fake_record;

/* Registers the engine "fake" at the first call. */
int fake_engine_register(void);
fake_record* fake_engine_record(void);
/* What the next delete_log answers; SQLITE_OK removes the directory. */
void fake_engine_answer_delete_with(int result_code);

#ifdef __cplusplus
}
#endif
