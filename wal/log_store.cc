#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "wal/log.h"

namespace strata::wal {

using segment::FrameNo;

namespace {
constexpr int64_t kLookUs = 20'000;  // at interruptions, and at what was shipped unnoticed
}  // namespace

absl::Status Log::CheckShips() const {
  if (shipper_.has_store()) return shipper_.stopped();
  return absl::FailedPreconditionError(absl::StrCat(
      place_.database, read_only() ? ": opened read-only, it ships nothing" : ": has no store"));
}

// A database that is new to its store learns now, not after it has acknowledged commits, that the
// namespace is another one's or that the URL leads nowhere.
absl::Status Log::CheckFirstContact() {
  const auto describe = [this](const absl::Status& why) {
    return absl::Status(why.code(), absl::StrCat(place_.database, ": ", why.message()));
  };
  const absl::Status place = store_->CheckPlace(true);
  if (!place.ok()) return describe(place);
  if (state_.options.takeover) return absl::OkStatus();
  store_->GiveUpAt(state_.environment.clock->MonotonicMicros() + state_.options.close_ship_us);
  const absl::Status checked = shipper_.CheckFirstContact();
  store_->GiveUpAt(std::numeric_limits<int64_t>::max());
  return checked.ok() ? checked : describe(checked);
}

FrameNo Log::stored_frame() {
  io::MutexLock lock(&state_.append_mutex);
  state_.RefreshProgress();  // another process may ship
  return state_.progress.shipped;
}

StoreProgress Log::store_progress() {
  StoreProgress at;
  at.url = state_.identity.store;
  at.name_space = state_.identity.name_space;
  const FrameNo tip = state_.commits->visible_frame();
  at.stored = stored_frame();
  at.waiting_frames = tip > at.stored ? tip.value() - at.stored.value() : 0;
  at.waiting_bytes = state_.BytesOf(at.waiting_frames);
  return at;
}

absl::StatusOr<FrameNo> Log::RequestSeal() {
  const absl::Status ships = CheckShips();
  if (!ships.ok()) return ships;
  const FrameNo frame = state_.commits->visible_frame();
  if (frame > stored_frame()) maintenance_.RequestShip(frame);
  return frame;
}

absl::StatusOr<bool> Log::WaitStored(FrameNo frame, int64_t timeout_us,
                                     const std::function<bool()>& interrupted) {
  const FrameNo tip = state_.commits->appended().frame;
  if (frame > tip) {
    return absl::InvalidArgumentError(absl::StrCat(place_.database, ": frame ", frame.value(),
                                                   " does not exist, the last one is ",
                                                   tip.value()));
  }
  const int64_t now = state_.environment.clock->MonotonicMicros();
  constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
  const int64_t deadline =
      timeout_us < 0 || timeout_us > kForever - now ? kForever : now + timeout_us;
  for (;;) {
    if (frame <= stored_frame()) return true;
    const absl::Status ships = CheckShips();
    if (!ships.ok()) return ships;
    if (interrupted && interrupted()) return absl::CancelledError("interrupted");
    const int64_t left = deadline - state_.environment.clock->MonotonicMicros();
    if (left <= 0) return false;
    maintenance_.RequestShip(frame);
    maintenance_.WaitForShip(std::min(left, kLookUs));
  }
}

absl::Status Log::WaitStoredAfterCommit(FrameNo frame, const std::function<bool()>& interrupted) {
  const absl::Status status = WaitStored(frame, -1, interrupted).status();
  if (!absl::IsCancelled(status)) return status;
  state_.environment.logger->Log(
      io::Severity::kWarning,
      absl::StrCat(state_.directory, ": interrupted while frame ", frame.value(),
                   " was on its way to the store: it is committed here, and will arrive later"));
  return absl::OkStatus();
}

}  // namespace strata::wal
