#pragma once

#include <sqlite3.h>

#include <string>

namespace strata::sqlite_surface {

// The functions of SQLite's C interface that the tests use.
#define STRATA_SURFACE_FUNCTIONS(X) \
  X(open_v2)                        \
  X(close)                          \
  X(close_v2)                       \
  X(prepare_v2)                     \
  X(step)                           \
  X(reset)                          \
  X(finalize)                       \
  X(column_count)                   \
  X(column_text)                    \
  X(column_bytes)                   \
  X(column_type)                    \
  X(errmsg)                         \
  X(extended_errcode)               \
  X(extended_result_codes)          \
  X(changes)                        \
  X(total_changes)                  \
  X(last_insert_rowid)              \
  X(busy_timeout)                   \
  X(busy_handler)                   \
  X(interrupt)                      \
  X(progress_handler)               \
  X(wal_hook)                       \
  X(wal_autocheckpoint)             \
  X(wal_checkpoint_v2)              \
  X(commit_hook)                    \
  X(rollback_hook)                  \
  X(file_control)                   \
  X(db_config)                      \
  X(db_readonly)                    \
  X(db_status)                      \
  X(db_cacheflush)                  \
  X(txn_state)                      \
  X(get_autocommit)                 \
  X(backup_init)                    \
  X(backup_step)                    \
  X(backup_finish)                  \
  X(backup_remaining)               \
  X(backup_pagecount)               \
  X(snapshot_get)                   \
  X(snapshot_open)                  \
  X(snapshot_cmp)                   \
  X(snapshot_recover)               \
  X(snapshot_free)                  \
  X(unlock_notify)                  \
  X(deserialize)                    \
  X(serialize)                      \
  X(free)                           \
  X(exec)                           \
  X(sourceid)

// One SQLite, loaded beside others: their symbols stay apart.
class Library {
 public:
  // Ends the program with a message when the file or a function is missing.
  explicit Library(const std::string& path);

#define STRATA_SURFACE_MEMBER(name) decltype(&::sqlite3_##name) name = nullptr;
  STRATA_SURFACE_FUNCTIONS(STRATA_SURFACE_MEMBER)
#undef STRATA_SURFACE_MEMBER

  // SQLite as upstream has it, and Strata's drop-in library.
  static const Library& Stock();
  static const Library& Strata();
};

}  // namespace strata::sqlite_surface
