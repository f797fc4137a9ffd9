#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/file.h"
#include "segment/ids.h"
#include "wal/shared_log.h"

// Which pages checkpoints wrote into the database file, and what: the file "ledger" in a log
// directory. A copy of a database and its log is checked with it (wal/copied_database.h), nothing
// else; so it is never synced, and where it is lost the log goes on and a new one begins. Format:
// docs/recovery.md, "Ledger".
namespace strata::wal {

inline constexpr char kLedgerName[] = "ledger";

struct LedgerPage {
  segment::PageNo page;
  uint64_t hash = 0;  // segment::PageHash
};

// One checkpoint: the pages that changed in (from, to].
struct LedgerCheckpoint {
  segment::FrameNo from;
  CommitPoint to;
  std::vector<LedgerPage> pages;
};

// One call at a time for a log (LogState::maintenance). Adds a checkpoint before anybody is told
// of it. A ledger of more than 16 MiB is made shorter, or begins anew.
absl::Status AppendToLedger(io::FileSystem& files, const std::string& path,
                            const io::Ownership& ownership, const segment::LogId& log_id,
                            const LedgerCheckpoint& checkpoint);

// What is intact of it and of this log, all checkpoints as one, pages ascending; those before one
// that is missing do not count. nullopt: there is nothing.
absl::StatusOr<std::optional<LedgerCheckpoint>> ReadLedger(io::FileSystem& files,
                                                           const std::string& path,
                                                           const segment::LogId& log_id);

}  // namespace strata::wal
