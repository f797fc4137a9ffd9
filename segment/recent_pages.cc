#include "segment/recent_pages.h"

namespace strata::segment {

io::ByteView RecentPages::Find(PageNo page, uint64_t ordinal) {
  const auto found = by_page_.find(page.value());
  if (found == by_page_.end() || found->second->ordinal != ordinal) return {};
  versions_.splice(versions_.begin(), versions_, found->second);
  return versions_.front().bytes;
}

void RecentPages::Put(PageNo page, uint64_t ordinal, io::ByteView bytes) {
  const auto found = by_page_.find(page.value());
  if (found != by_page_.end()) {
    versions_.splice(versions_.begin(), versions_, found->second);
  } else if (!versions_.empty() && bytes_ + bytes.size() > capacity_bytes_) {
    by_page_.erase(versions_.back().page);
    versions_.splice(versions_.begin(), versions_, std::prev(versions_.end()));
  } else {
    versions_.emplace_front();
  }
  Version& version = versions_.front();
  bytes_ += bytes.size() - version.bytes.size();
  version.page = page.value();
  version.ordinal = ordinal;
  version.bytes.assign(bytes.begin(), bytes.end());
  by_page_[page.value()] = versions_.begin();
}

}  // namespace strata::segment
