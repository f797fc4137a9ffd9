#pragma once

#include <optional>

#include "absl/status/status.h"
#include "wal/identity.h"
#include "wal/log_place.h"
#include "wal/log_state.h"
#include "wal/recovery.h"

// A database file that is not the one its log was written for: a copy, a backup put back, or moved
// with its log from another file system. A pair that was copied while the database was in use may
// be of no moment: pages that a checkpoint wrote in between are in neither.
namespace strata::wal {

// How the database file is told from its copies.
std::optional<DatabaseFile> FileOf(const LogPlace& place, const Environment& environment);

// Whether the log was written for another file. False where either is not known.
bool IsCopied(const Identity& identity, const std::optional<DatabaseFile>& now);

// Reads the log's frames above the checkpoint (by then in LogState::files) and each page that its
// ledger tells of. DataLoss names what does not fit. docs/recovery.md, "Copies", says what cannot
// be seen.
absl::Status CheckCopy(const LogPlace& place, const LogState& state, const RecoveredLog& recovered);

}  // namespace strata::wal
