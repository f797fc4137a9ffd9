#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "io/mutex.h"
#include "wal/current_segment.h"

namespace strata::wal {

// The log's files, oldest first: an immutable list that is replaced as a whole, so that a reader
// keeps the files of its snapshot open while others are removed. Safe to call from any thread.
class LogFiles {
 public:
  using List = std::vector<std::shared_ptr<CurrentSegment>>;

  // Changes with every new list; a reader that still has this version needs no new one.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // Keep the pointer while going through the list: `for (… : *list())` lets go of it before the
  // first round.
  std::shared_ptr<const List> list() const;

  void Add(std::shared_ptr<CurrentSegment> segment);
  void Remove(const CurrentSegment* segment);

  // The file that holds a committed frame: the newest that starts at or before it. nullptr: none.
  static CurrentSegment* Find(const List& list, segment::FrameNo frame);

 private:
  mutable io::Mutex mutex_;
  std::shared_ptr<const List> list_ ABSL_GUARDED_BY(mutex_) = std::make_shared<List>();
  std::atomic<uint64_t> version_{1};
};

}  // namespace strata::wal
