#include "wal/gathering.h"

#include <algorithm>

namespace strata::wal {

namespace {
constexpr int64_t kShareOfSync = 4;
constexpr int kPauses = 4;
constexpr int64_t kLongestPauseUs = 500;
constexpr uint64_t kWithoutYields = 1000;  // syncs
}  // namespace

void Gathering::NoteSync(int64_t microseconds, size_t covered, size_t waiting) {
  expected_ = covered + waiting;
  gather_us_ = microseconds / kShareOfSync;
}

Gathering::Pause Gathering::Before(uint64_t sync, size_t waiting, Watch* watch) {
  if (waiting >= expected_ || gather_us_ == 0) return {};
  if (watched_ != sync) return First(sync, waiting, watch);
  if (watch->sync != sync) return {Pause::Kind::kUntilWoken};
  if (watch->yielded) {
    if (watch->lost_processor) yields_from_ = sync + kWithoutYields;
    return {};
  }
  if (waiting == watch->seen || watch->pauses++ == kPauses) return {};
  watch->seen = waiting;
  return {Pause::Kind::kSleep, std::min(gather_us_, kLongestPauseUs), expected_};
}

// Yielding is exact, and sleeping is not; but where other programs want the processor, it is a
// while before one has it back.
Gathering::Pause Gathering::First(uint64_t sync, size_t waiting, Watch* watch) {
  watched_ = sync;
  const bool yields = sync >= yields_from_;
  *watch = {sync, waiting, 1, yields, false};
  if (yields) return {Pause::Kind::kYield, gather_us_, expected_};
  return {Pause::Kind::kSleep, std::min(gather_us_, kLongestPauseUs), expected_};
}

}  // namespace strata::wal
