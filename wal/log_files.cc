#include "wal/log_files.h"

#include <utility>

namespace strata::wal {

using segment::FrameNo;

std::shared_ptr<const LogFiles::List> LogFiles::list() const {
  io::MutexLock lock(&mutex_);
  return list_;
}

void LogFiles::Add(std::shared_ptr<CurrentSegment> segment) {
  io::MutexLock lock(&mutex_);
  auto list = std::make_shared<List>(*list_);
  list->push_back(std::move(segment));
  list_ = std::move(list);
  version_.fetch_add(1, std::memory_order_release);
}

void LogFiles::Remove(const CurrentSegment* segment) {
  io::MutexLock lock(&mutex_);
  auto list = std::make_shared<List>(*list_);
  std::erase_if(*list,
                [&](const std::shared_ptr<CurrentSegment>& each) { return each.get() == segment; });
  list_ = std::move(list);
  version_.fetch_add(1, std::memory_order_release);
}

CurrentSegment* LogFiles::Find(const List& list, FrameNo frame) {
  for (size_t i = list.size(); i-- > 0;) {
    const FrameNo first = list[i]->first_frame();
    if (first != FrameNo(0) && first <= frame) return list[i].get();
  }
  return nullptr;
}

}  // namespace strata::wal
