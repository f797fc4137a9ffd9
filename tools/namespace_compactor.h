#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compactor/compaction.h"
#include "compactor/strategies.h"
#include "io/object_store.h"
#include "meta/meta_db.h"

namespace strata::tools {

struct CompactSettings {
  compactor::Strategy strategy = compactor::Strategy::kLogarithmic;
  segment::Codec codec = segment::Codec::kZstdDictionary;
  int zstd_level = 6;
  bool train = false;                // a new dictionary, whatever there is
  uint64_t dictionary_pages = 2000;  // from which on a first one is trained; 0: never
  size_t threads = 0;                // 0: what suits the machine
  bool dry_run = false;
  bool show_progress = false;
};

// Merges a namespace's segments until its strategy wants nothing more, and has the meta-db remember
// each merge of a monitored one. One thread at a time.
class NamespaceCompactor {
 public:
  // Hears of each merge that was made, or with dry_run would be (then without a result).
  using Report = std::function<void(const compactor::PlannedCompaction&,
                                    const std::optional<compactor::CompactionResult>&)>;

  // `store` and `meta_db`, which may be null, outlive it.
  NamespaceCompactor(io::ObjectStore* store, meta::MetaDb* meta_db, const CompactSettings& settings)
      : store_(store), meta_db_(meta_db), settings_(settings) {}

  // NotFound: the store has nothing of it. Other errors as compactor/compaction.h says.
  absl::Status Run(const std::string& ns, const Report& report);

 private:
  absl::Status FindMonitored();
  absl::StatusOr<bool> RunRound(const Report& report);  // false: nothing left to do
  absl::StatusOr<compactor::CompactionResult> Record(const compactor::NamespaceHistory& history,
                                                     const compactor::LogHistory& log,
                                                     const compactor::PlannedCompaction& plan);
  absl::StatusOr<compactor::CompactionResult> Merge(const compactor::NamespaceHistory& history,
                                                    const compactor::LogHistory& log,
                                                    const compactor::PlannedCompaction& plan);

  io::ObjectStore* const store_;
  meta::MetaDb* const meta_db_;
  const CompactSettings settings_;
  compactor::BlockCache cache_;
  std::string ns_;
  std::optional<int64_t> namespace_id_;  // nullopt: not monitored
};

}  // namespace strata::tools
