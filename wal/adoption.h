#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wal/appender.h"
#include "wal/identity.h"
#include "wal/log_place.h"
#include "wal/log_state.h"
#include "wal/recovery.h"

// How a log begins: beside a database that never had one, where a clean close left off, or from
// what a crash left.
namespace strata::wal {

struct Start {
  Identity identity;  // page_size 0 while the database is empty
  CommitPoint end;
  Progress progress;
  std::string message;  // something the operator should know; often empty
};

// Without a log directory. `clean` is what app.db-strata says: when the database file is still what
// it was (by stat, else by digest), its history goes on; otherwise a new one is cut from it.
// Without it, the database is adopted.
absl::StatusOr<Start> FindStart(const Environment& environment, const LogPlace& place,
                                const std::optional<Identity>& clean, const StoreAddress& store);

// After recovery: writes what is known of the progress, and the frames that are not known durable,
// again, into a new file that is, and removes the files that hold nothing else.
absl::Status MakeRecoveredDurable(LogState* state, Appender* appender,
                                  const RecoveredLog& recovered);

// Unlinks `paths` and makes that durable, with whatever the process before had no time to make so.
absl::Status RemoveLeftovers(io::FileSystem& files, const std::string& directory,
                             const std::vector<std::string>& paths);

// Digest of a plain database file (docs/segment_format.md, "Digest"). `may_go_on` is asked before
// each page, and ends it with its error.
absl::StatusOr<uint64_t> DigestOfFile(io::File& database, uint32_t page_size,
                                      uint32_t database_pages,
                                      const std::function<absl::Status()>& may_go_on = nullptr);

// True when the database file is what `clean` says, as far as stat(2) tells.
bool StatIsUnchanged(const CleanState& clean, const io::FileInfo& now);

}  // namespace strata::wal
