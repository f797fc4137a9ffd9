#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "compactor/restore_target.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/object_store.h"
#include "io/random.h"

namespace strata::compactor {

// Called now and then, from any thread, with pages done and pages in all.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

struct RestoreOptions {
  bool force = false;  // replace an existing file
  size_t threads = 0;  // 0: what suits the machine
  Progress progress;   // may be empty
};

// What a restore fetches at most.
struct RestorePlan {
  std::vector<PathStep> path;
  uint64_t bytes = 0;
  uint64_t requests = 0;
};

absl::StatusOr<RestorePlan> PlanRestore(const NamespaceHistory& history,
                                        const ResolvedTarget& target);

struct RestoreResult {
  uint64_t database_bytes = 0;
  uint64_t pages_fetched = 0;
  uint64_t pages_zero = 0;      // in the database, but never written
  bool digest_checked = false;  // false: the segments carry no digests
};

// How long Restore would take now, from a part of it: up to 64 MiB of pages are fetched, decoded,
// written beside `output` and synced, and removed again. Errors as Restore.
absl::StatusOr<double> EstimateSeconds(io::ObjectStore* store, BlockCache* cache,
                                       io::FileSystem* file_system, io::Random* random,
                                       io::Clock* clock, const NamespaceHistory& history,
                                       const ResolvedTarget& target, const RestorePlan& plan,
                                       const std::string& output, const RestoreOptions& options);

// Writes the database as it stood at `target` to `output`: the committed pages and nothing else, so
// a plain SQLite file. It is written beside `output` under a temporary name, proved by its digest,
// synced, and renamed; on any error `output` is what it was before. Memory does not grow with the
// database.
//
// AlreadyExists: `output` is there and force is off. FailedPrecondition: a log or journal of
// another database lies beside it, which SQLite would mix with the restored one. DataLoss: the
// store is damaged; the message names the object. Others: those of io/file.h.
absl::StatusOr<RestoreResult> Restore(io::ObjectStore* store, BlockCache* cache,
                                      io::FileSystem* file_system, io::Random* random,
                                      const NamespaceHistory& history, const ResolvedTarget& target,
                                      const RestorePlan& plan, const std::string& output,
                                      const RestoreOptions& options);

}  // namespace strata::compactor
