#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compactor/block_cache.h"
#include "compactor/history.h"
#include "io/object_store.h"
#include "segment/commit_table.h"

namespace strata::compactor {

// One stretch of a log's timeline: the commits that a single segment makes restorable.
struct TimelineStretch {
  segment::SegmentKey key;
  uint64_t bytes = 0;     // of the object
  bool is_exact = false;  // every commit; otherwise only the last one
  bool has_digest = false;
  std::vector<segment::CommitEntry> commits;  // restorable ones, ascending; at least one
};

// Of log.segments[segment], the commits in (before, upto] count, or of a compacted one that at
// upto.
struct TimelinePiece {
  size_t segment = 0;
  segment::FrameNo before;
  segment::FrameNo upto;
};

// The pieces of a log up to `end`, ascending; they do not overlap. A pure function.
std::vector<TimelinePiece> TimelineOf(const LogHistory& log, segment::FrameNo end);

// Which commits of a log can be restored exactly: those of the sealed segments that can be reached
// from frame 1, and the ends of compacted ones where no sealed one is left. Reads a segment's
// commit table when it is asked for, and keeps the last one only. One thread at a time; store,
// cache and log must outlive it.
class Timeline {
 public:
  // Follows the log as far as it goes without a gap. NotFound when it has not even a first segment.
  static absl::StatusOr<Timeline> Open(io::ObjectStore* store, BlockCache* cache,
                                       absl::string_view ns, const LogHistory* log);

  size_t size() const { return path_.size(); }
  absl::StatusOr<TimelineStretch> Stretch(size_t i);

  const LogHistory& log() const { return *log_; }
  segment::FrameNo end() const { return end_; }

  // OK when the timeline reaches the end of the log; otherwise NotFound that names the missing
  // frames.
  absl::Status CheckComplete() const;

  // A commit and its neighbours.
  struct Place {
    std::optional<segment::CommitEntry> commit;  // none: everything is later
    std::optional<segment::CommitEntry> next;    // none: it is the last one
  };
  absl::StatusOr<Place> AtOrBefore(segment::FrameNo frame);
  absl::StatusOr<Place> AtOrBeforeTime(int64_t time_us);
  absl::StatusOr<segment::CommitEntry> Last();

 private:
  using IsLater = bool (*)(const segment::CommitEntry&, uint64_t);

  Timeline(io::ObjectStore* store, BlockCache* cache, absl::string_view ns, const LogHistory* log)
      : store_(store), cache_(cache), ns_(ns), log_(log) {}
  absl::StatusOr<Place> Find(IsLater is_later, uint64_t value);

  io::ObjectStore* store_;
  BlockCache* cache_;
  std::string ns_;
  const LogHistory* log_;
  segment::FrameNo end_;
  std::vector<TimelinePiece> path_;
};

}  // namespace strata::compactor
