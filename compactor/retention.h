#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "compactor/restore_target.h"
#include "compactor/retention_plan.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "io/random.h"

// Expiry of a namespace's segments, in two phases: a change of the manifest marks what no promised
// commit needs, so that nothing new relies on it; the objects go when a grace period is over, so
// that restores under way come to their end. Rules: docs/store_layout.md, "Retention".
namespace strata::compactor {

constexpr int64_t kDefaultGraceUs = 86'400'000'000;  // a day
// How long after its object the name of a compacted segment may be made again: longer than another
// run of retention that stood still may go on deleting.
constexpr int64_t kNameStaysUs = 604'800'000'000;   // 7 days
constexpr int64_t kClockToleranceUs = 600'000'000;  // 10 minutes

struct LogRetention {
  segment::LogId log_id;
  uint64_t commits = 0;   // that can be restored now
  uint64_t promised = 0;  // of these
};

struct RetentionReport {
  std::vector<LogRetention> logs;
  std::vector<segment::SegmentKey> kept;          // what the promised commits take
  std::vector<segment::StoredSegment> unneeded;   // to be marked
  std::vector<segment::StoredSegment> expired;    // marked for longer than the grace period
  std::vector<segment::StoredSegment> waiting;    // marked for less
  std::vector<segment::StoredSegment> old_names;  // deleted so long ago that they may be forgotten
};

// What would be done at `now_us`; changes nothing. Reads commit tables: up to two requests for each
// sealed segment of several commits. DataLoss: the history has a gap. FailedPrecondition: `now_us`
// lies before the namespace's newest change by more than kClockToleranceUs.
absl::StatusOr<RetentionReport> PlanRetention(io::ObjectStore* store, BlockCache* cache,
                                              const NamespaceHistory& history, int64_t now_us,
                                              int64_t grace_us);

struct RetentionWorld {
  io::ObjectStore* store = nullptr;
  io::Clock* clock = nullptr;
  io::Random* random = nullptr;
  std::string ns;
};

// Does it: deletes what expired, then marks what is not needed. Killed at any point it can be run
// again. FailedPrecondition: no policy is set. Aborted: others changed pins, policy or claims all
// the time.
absl::StatusOr<RetentionReport> ApplyRetention(const RetentionWorld& world, int64_t grace_us);

// Sets a policy (text as ParseRetentionPolicy's; empty: none).
absl::Status SetRetention(const RetentionWorld& world, absl::string_view policy);

// Pins a commit: it is promised whatever the policy says. AlreadyExists: a pin of that name.
// FailedPrecondition: the commit cannot be restored any more.
absl::Status AddPin(const RetentionWorld& world, const std::string& name,
                    const ResolvedTarget& target);
absl::Status RemovePin(const RetentionWorld& world, const std::string& name);  // NotFound

// Takes marks back, of segments that would count and whose objects are there; these. Not while
// ApplyRetention runs, which may be deleting them.
absl::StatusOr<std::vector<segment::StoredSegment>> TakeBackMarks(const RetentionWorld& world);

}  // namespace strata::compactor
