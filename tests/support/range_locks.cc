#include "tests/support/range_locks.h"

#include <algorithm>
#include <utility>

namespace strata::support {
namespace {

uint64_t EndOf(const io::LockRange& range) {
  return range.count == 0 ? UINT64_MAX : range.first + range.count;
}

}  // namespace

bool RangeLocks::Conflicts(const void* owner, const io::LockRange& range, io::LockKind kind) const {
  return std::any_of(locks_.begin(), locks_.end(), [&](const Lock& held) {
    const bool both_shared = held.kind == io::LockKind::kShared && kind == io::LockKind::kShared;
    return held.owner != owner && held.first < EndOf(range) && range.first < held.end &&
           !both_shared;
  });
}

bool RangeLocks::TryLock(const void* owner, const io::LockRange& range, io::LockKind kind) {
  if (Conflicts(owner, range, kind)) return false;
  Unlock(owner, range);
  locks_.push_back({owner, range.first, EndOf(range), kind});
  return true;
}

void RangeLocks::Unlock(const void* owner, const io::LockRange& range) {
  std::vector<Lock> left;
  for (const Lock& held : locks_) {
    if (held.owner != owner || held.first >= EndOf(range) || range.first >= held.end) {
      left.push_back(held);
      continue;
    }
    if (held.first < range.first) left.push_back({owner, held.first, range.first, held.kind});
    if (held.end > EndOf(range)) left.push_back({owner, EndOf(range), held.end, held.kind});
  }
  locks_ = std::move(left);
}

}  // namespace strata::support
