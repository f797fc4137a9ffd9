#include "compactor/restore_target.h"

#include "absl/strings/str_cat.h"
#include "compactor/timeline.h"
#include "io/clock.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

// What `place`, which has a commit, says about the target.
ResolvedTarget Resolved(const Timeline& timeline, const Timeline::Place& place) {
  ResolvedTarget resolved;
  resolved.log = &timeline.log();
  resolved.commit = *place.commit;
  resolved.next = place.next;
  return resolved;
}

absl::Status AllLater(const NamespaceHistory& history, const Timeline::Place& place) {
  return absl::NotFoundError(absl::StrCat(
      "namespace ", history.ns, ": no commit at or before that; the first is at frame ",
      place.next->frame.value(), " of ", io::FormatTime(place.next->time_us)));
}

absl::StatusOr<ResolvedTarget> ResolveLatest(Timeline* timeline) {
  STRATA_RETURN_IF_ERROR(timeline->CheckComplete());
  ResolvedTarget resolved;
  resolved.log = &timeline->log();
  STRATA_ASSIGN_OR_RETURN(resolved.commit, timeline->Last());
  resolved.is_exact = true;
  return resolved;
}

absl::StatusOr<ResolvedTarget> ResolveFrame(const NamespaceHistory& history, Timeline* timeline,
                                            segment::FrameNo frame) {
  if (frame > timeline->end()) {
    STRATA_RETURN_IF_ERROR(timeline->CheckComplete());
    return absl::NotFoundError(absl::StrCat("namespace ", history.ns, ": frame ", frame.value(),
                                            " is not there; the last one is ",
                                            timeline->end().value()));
  }
  STRATA_ASSIGN_OR_RETURN(Timeline::Place place, timeline->AtOrBefore(frame));
  if (!place.commit) return AllLater(history, place);
  ResolvedTarget resolved = Resolved(*timeline, place);
  resolved.is_exact = resolved.commit.frame == frame;
  return resolved;
}

}  // namespace

absl::StatusOr<ResolvedTarget> ResolveTarget(io::ObjectStore* store, BlockCache* cache,
                                             const NamespaceHistory& history,
                                             const RestoreTarget& target) {
  const LogHistory* log = target.log_id ? history.Find(*target.log_id) : history.live();
  if (log == nullptr && target.log_id) {
    return absl::NotFoundError(
        absl::StrCat("namespace ", history.ns, ": no log id ", segment::ToString(*target.log_id)));
  }
  if (log == nullptr) return NothingToRestore(history.ns);
  STRATA_ASSIGN_OR_RETURN(Timeline timeline, Timeline::Open(store, cache, history.ns, log));
  if (target.frame) return ResolveFrame(history, &timeline, *target.frame);
  if (!target.time_us) return ResolveLatest(&timeline);

  // A time before the live log began lies in the history that it replaced.
  std::optional<Timeline::Place> earliest;
  for (size_t i = log - history.logs.data() + 1; i-- > 0;) {
    if (history.logs[i].segments.empty()) continue;
    STRATA_ASSIGN_OR_RETURN(Timeline earlier,
                            Timeline::Open(store, cache, history.ns, &history.logs[i]));
    STRATA_ASSIGN_OR_RETURN(Timeline::Place place, earlier.AtOrBeforeTime(*target.time_us));
    if (place.commit) {
      // With nothing behind it, the wanted moment may lie in frames that are missing.
      if (!place.next) STRATA_RETURN_IF_ERROR(earlier.CheckComplete());
      ResolvedTarget resolved = Resolved(earlier, place);
      if (!resolved.next && earliest) resolved.next = earliest->next;
      resolved.is_exact = resolved.commit.time_us == *target.time_us;
      return resolved;
    }
    earliest = place;
    if (target.log_id) break;
  }
  return AllLater(history, *earliest);
}

}  // namespace strata::compactor
