#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "io/object_store.h"
#include "segment/commit_table.h"

namespace strata::compactor {

// What to restore: the latest commit, or the last one at or before a frame or a time.
struct RestoreTarget {
  std::optional<segment::FrameNo> frame;
  std::optional<int64_t> time_us;
  std::optional<segment::LogId> log_id;  // none: the live one; a time may lie in an earlier one
};

struct ResolvedTarget {
  const LogHistory* log = nullptr;  // into the history
  segment::CommitEntry commit;
  std::optional<segment::CommitEntry> next;  // the commit after it, when there is one
  bool is_exact =
      false;  // the wanted frame or time is just that of the commit (or the latest was wanted)
};

// NotFound: nothing at or before the target (the message names the first commit there is), a log id
// that is not there, or a gap before the target.
absl::StatusOr<ResolvedTarget> ResolveTarget(io::ObjectStore* store, BlockCache* cache,
                                             const NamespaceHistory& history,
                                             const RestoreTarget& target);

}  // namespace strata::compactor
