#include "wal/shipped_comparison.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/recent_pages.h"

namespace strata::wal {

using segment::FrameHeader;
using segment::FrameNo;
using segment::PageNo;
using segment::SegmentReader;

namespace {

absl::Status Differs(const LogState& state, FrameNo frame) {
  return absl::FailedPreconditionError(
      absl::StrCat(state.directory, ": the store has another frame ", frame.value(),
                   ": this is a copy of the database that went its own way"));
}

// The log's frames after `after`, from the last one down, against a compacted segment.
class EndComparison {
 public:
  EndComparison(const LogState& state, const SegmentReader& compacted)
      : state_(state),
        compacted_(compacted),
        files_(state.files.list()),
        ours_(state.identity.page_size),
        theirs_(state.identity.page_size) {}

  absl::Status Run(FrameNo after);

 private:
  absl::Status CheckEnd(const FrameHeader& last) const;
  absl::Status CheckFrame(const FrameHeader& ours);
  absl::Status CheckNothingElse(FrameNo after);

  const LogState& state_;
  const SegmentReader& compacted_;
  const std::shared_ptr<const LogFiles::List> files_;
  std::vector<uint8_t> ours_;
  std::vector<uint8_t> theirs_;
};

absl::Status EndComparison::CheckEnd(const FrameHeader& last) const {
  const segment::CommitEntry& end = compacted_.commits().back();
  const bool same = last.is_commit && last.frame == end.frame &&
                    last.commit_time_us == end.time_us && last.database_pages == end.database_pages;
  return same ? absl::OkStatus() : Differs(state_, end.frame);
}

// `ours_` holds the newest version of a page in the log.
absl::Status EndComparison::CheckFrame(const FrameHeader& ours) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal, compacted_.FindPage(ours.page));
  if (!ordinal.has_value()) return Differs(state_, ours.frame);
  STRATA_ASSIGN_OR_RETURN(const FrameHeader there,
                          compacted_.ReadFrame(*ordinal, absl::MakeSpan(theirs_)));
  const bool same = there.frame == ours.frame && theirs_ == ours_;
  return same ? absl::OkStatus() : Differs(state_, ours.frame);
}

// What the segment has after `after` is the log's too, and not of frames that the log has for other
// pages.
absl::Status EndComparison::CheckNothingElse(FrameNo after) {
  constexpr uint64_t kAtATime = 4096;
  for (uint64_t at = 0; at < compacted_.footer().frames; at += kAtATime) {
    STRATA_RETURN_IF_ERROR(state_.CheckMayShip());
    STRATA_ASSIGN_OR_RETURN(const auto entries, compacted_.ReadDirectory(at, kAtATime));
    for (const segment::DirectoryEntry& there : entries) {
      if (there.frame <= after) continue;
      STRATA_ASSIGN_OR_RETURN(const FrameHeader ours,
                              ReadLogFrame(*files_, there.frame, absl::MakeSpan(ours_)));
      if (ours.page != there.page) return Differs(state_, there.frame);
    }
  }
  return absl::OkStatus();
}

absl::Status EndComparison::Run(FrameNo after) {
  const FrameNo last = compacted_.footer().last_frame;
  absl::flat_hash_set<PageNo> seen;
  uint32_t smallest = UINT32_MAX;  // size of the database from this frame on
  for (FrameNo frame = last; frame > after; frame = frame.previous()) {
    STRATA_RETURN_IF_ERROR(state_.CheckMayShip());
    STRATA_ASSIGN_OR_RETURN(const FrameHeader ours,
                            ReadLogFrame(*files_, frame, absl::MakeSpan(ours_)));
    if (frame == last) STRATA_RETURN_IF_ERROR(CheckEnd(ours));
    if (ours.is_commit) smallest = std::min(smallest, ours.database_pages);
    if (ours.page.value() > smallest || !seen.insert(ours.page).second) continue;
    STRATA_RETURN_IF_ERROR(CheckFrame(ours));
  }
  return CheckNothingElse(after);
}

}  // namespace

absl::Status CheckSameFrames(const LogState& state, const SegmentReader& sealed) {
  const auto list = state.files.list();
  std::vector<uint8_t> theirs(state.identity.page_size);
  std::vector<uint8_t> ours(state.identity.page_size);
  segment::RecentPages recent;
  for (uint64_t ordinal = 0; ordinal < sealed.footer().frames; ++ordinal) {
    STRATA_RETURN_IF_ERROR(state.CheckMayShip());
    STRATA_ASSIGN_OR_RETURN(const auto entries, sealed.ReadDirectory(ordinal, 1));
    STRATA_ASSIGN_OR_RETURN(
        const FrameHeader there,
        sealed.ReadFrame(ordinal, entries.front(), &recent, absl::MakeSpan(theirs)));
    STRATA_ASSIGN_OR_RETURN(const FrameHeader here,
                            ReadLogFrame(*list, there.frame, absl::MakeSpan(ours)));
    const bool same = here.page == there.page && here.is_commit == there.is_commit &&
                      here.commit_time_us == there.commit_time_us && ours == theirs;
    if (!same) return Differs(state, there.frame);
  }
  return absl::OkStatus();
}

absl::Status CheckSameEnd(const LogState& state, const SegmentReader& compacted, FrameNo after) {
  return EndComparison(state, compacted).Run(after);
}

}  // namespace strata::wal
