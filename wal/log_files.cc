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
  size_t after = list.size();
  for (size_t before = 0; before < after;) {
    const size_t middle = (before + after) / 2;
    size_t with_frames = middle;  // a file without one has no place in the order
    while (with_frames < after && list[with_frames]->first_frame() == FrameNo(0)) ++with_frames;
    if (with_frames == after || list[with_frames]->first_frame() > frame) {
      after = middle;
    } else {
      before = with_frames + 1;
    }
  }
  while (after > 0 && list[after - 1]->first_frame() == FrameNo(0)) --after;
  return after == 0 ? nullptr : list[after - 1].get();
}

}  // namespace strata::wal
