#include "wal/revival.h"

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/frame_repair.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

namespace {
constexpr int64_t kRetryUs = 1'000'000;
}

absl::Status Revival::Run() {
  const absl::Status why = state_.commits->failure();
  if (why.ok()) return why;
  state_.commits->PrepareToRevive();
  const auto close = absl::MakeCleanup([this] { database_ = nullptr; });
  const absl::Status revived = appender_.Revive(
      [this](PageNo page, io::MutableBytes out) { return ReadVisible(page, out); });
  if (!revived.ok()) {
    return absl::Status(
        why.code(), absl::StrCat(why.message(), "; the log takes no writes: ", revived.message()));
  }
  state_.environment.logger->Log(
      io::Severity::kWarning,
      absl::StrCat(state_.directory, ": takes writes again, after ", why.message()));
  return absl::OkStatus();
}

int64_t Revival::RunIfDue(int64_t now) {
  if (now < due_us_) return due_us_;
  due_us_ = now + kRetryUs;
  if (!state_.write_lock.TryAcquireForBackground()) return due_us_;
  const auto release = absl::MakeCleanup([this] { state_.write_lock.Release(); });
  Run().IgnoreError();  // why it stopped has been told
  return due_us_;
}

// A page without a frame is in the database file, and no checkpoint touches it.
absl::Status Revival::ReadVisible(PageNo page, io::MutableBytes out) {
  const FrameNo frame = state_.index->Find(page, state_.commits->visible_frame());
  if (frame != FrameNo(0)) {
    const auto list = state_.files.list();
    return ReadLogFrame(*list, frame, out).status();
  }
  if (database_ == nullptr) {
    STRATA_ASSIGN_OR_RETURN(database_, open_database_());
  }
  STRATA_ASSIGN_OR_RETURN(const size_t read,
                          database_->ReadAt((page.value() - 1) * uint64_t{out.size()}, out));
  std::fill(out.begin() + static_cast<ptrdiff_t>(read), out.end(), 0);
  return absl::OkStatus();
}

}  // namespace strata::wal
