#include "wal/log_state.h"

#include "absl/strings/str_cat.h"

namespace strata::wal {

using segment::FrameNo;

void LogState::RefreshProgress() {
  const CommitPoint checkpointed = shared.checkpointed.Load();
  if (checkpointed.frame > progress.checkpointed.frame) progress.checkpointed = checkpointed;
  const PublishedTransfers::Value transfers = shared.transfers.Load();
  if (FrameNo(transfers[0]) <= progress.sealed && FrameNo(transfers[2]) <= progress.shipped) return;
  progress.sealed = FrameNo(transfers[0]);
  progress.sealed_digest = transfers[1];
  progress.shipped = FrameNo(transfers[2]);
}

void LogState::PublishProgress() {
  shared.checkpointed.Store(progress.checkpointed);
  shared.transfers.Store(
      {progress.sealed.value(), progress.sealed_digest, progress.shipped.value()});
}

absl::Status LogState::CheckMayShip() const {
  const int64_t until = give_up_at_us.load(std::memory_order_relaxed);
  if (environment.clock->MonotonicMicros() < until) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(directory, ": closing, and the store ", identity.store,
                                             " does not have everything yet"));
}

absl::StatusOr<segment::FrameHeader> ReadLogFrame(const LogFiles::List& files, FrameNo frame,
                                                  io::MutableBytes page) {
  const CurrentSegment* segment = LogFiles::Find(files, frame);
  if (segment == nullptr)
    return absl::InternalError(absl::StrCat("frame ", frame.value(), " is in no log file"));
  return segment->ReadFrame(frame, page);
}

}  // namespace strata::wal
