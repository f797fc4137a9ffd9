#include "compactor/change_watch.h"

#include <algorithm>
#include <vector>

#include "io/status_macros.h"
#include "segment/change_notice.h"

namespace strata::compactor {

using segment::ChangeNotice;

namespace {

constexpr uint64_t kPeriodsOfADay = 86'400'000'000 / segment::kNoticePeriodUs;
constexpr uint64_t kPeriodsBack = 1;  // for clocks that are behind
constexpr int64_t kSlackUs = 60'000'000;

}  // namespace

absl::StatusOr<std::set<std::string>> ChangeWatch::Poll() {
  const int64_t now_us = clock_.NowMicros();
  const uint64_t now = segment::NoticePeriodOf(now_us);
  const uint64_t back = has_polled_ ? kPeriodsBack : kPeriodsOfADay;
  STRATA_ASSIGN_OR_RETURN(const std::vector<ChangeNotice> notices,
                          segment::ListNotices(store_, now - std::min(now, back)));
  has_polled_ = true;
  std::set<std::string> changed;
  for (const ChangeNotice& notice : notices) {
    uint64_t& newest = newest_[notice.ns];
    if (notice.period <= newest) continue;
    newest = notice.period;
    open_[notice.ns] = notice.period;
    changed.insert(notice.ns);
  }
  const uint64_t over = segment::NoticePeriodOf(now_us - kSlackUs);
  for (auto at = open_.begin(); at != open_.end();) {
    if (at->second >= over) {
      ++at;
      continue;
    }
    changed.insert(at->first);
    at = open_.erase(at);
  }
  return changed;
}

absl::StatusOr<uint64_t> ChangeWatch::RemoveOld() {
  const uint64_t now = segment::NoticePeriodOf(clock_.NowMicros());
  STRATA_ASSIGN_OR_RETURN(const std::vector<ChangeNotice> all, segment::ListNotices(store_, 0));
  uint64_t removed = 0;
  for (const ChangeNotice& notice : all) {
    if (notice.period + kPeriodsOfADay >= now) break;
    STRATA_RETURN_IF_ERROR(store_.Delete(segment::BuildNoticeKey(notice)));
    const auto newest = newest_.find(notice.ns);
    if (newest != newest_.end() && newest->second == notice.period) newest_.erase(newest);
    ++removed;
  }
  return removed;
}

}  // namespace strata::compactor
