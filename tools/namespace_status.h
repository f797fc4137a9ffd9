#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "io/file.h"
#include "io/object_store.h"
#include "meta/meta_db.h"
#include "segment/commit_table.h"
#include "wal/commit_queue.h"

// How one namespace does, as `strata status` tells it to people and to monitoring.
namespace strata::tools {

// What the meta-db remembers of jobs of one kind.
struct JobSummary {
  uint64_t done = 0;
  uint64_t failed = 0;
  std::optional<meta::Job> last;  // that ended
};

// The log beside a database on this machine.
struct LocalLog {
  segment::LogId log_id;
  wal::CommitPoint end;    // its last commit
  uint64_t log_bytes = 0;  // of its files
  uint64_t unshipped_frames = 0;
  uint64_t unshipped_bytes = 0;
  int64_t behind_us = 0;  // from the last commit in the store to the last one here
};

struct NamespaceStatus {
  std::string ns;
  segment::LogId log_id;
  segment::Epoch epoch;  // of the newest claim
  uint64_t segments = 0;
  uint64_t bytes = 0;          // of the segments, those that do not count included
  segment::CommitEntry first;  // the restorable window
  segment::CommitEntry last;
  bool complete = false;  // no frame before the end is missing
  JobSummary verifications;
  JobSummary compactions;
  std::optional<LocalLog> local;
};

// NotFound: the store has nothing of the namespace. `meta_db` may be null.
absl::StatusOr<NamespaceStatus> ReadStatus(io::ObjectStore* store, meta::MetaDb* meta_db,
                                           const std::string& ns);

// Looks at the log of `database`, which may be in use; nothing is written. Without a log all of it
// is in the database file, and in the store when it was closed cleanly.
absl::StatusOr<std::optional<LocalLog>> ReadLocalLog(io::FileSystem& files,
                                                     const std::string& database,
                                                     const NamespaceStatus& stored);

}  // namespace strata::tools
