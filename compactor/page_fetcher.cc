#include "compactor/page_fetcher.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "compactor/page_run.h"
#include "io/mutex.h"

namespace strata::compactor {
namespace {

using segment::UnionEntry;

constexpr size_t kRemoteThreads = 16;

// The positions of the winners, in the order in which the segments store them.
std::vector<uint32_t> StorageOrder(absl::Span<const UnionEntry> winners) {
  std::vector<uint32_t> order(winners.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(winners[a].source, winners[a].ordinal) <
           std::pair(winners[b].source, winners[b].ordinal);
  });
  return order;
}

// The work of all threads on one list of winners.
class Fetch {
 public:
  Fetch(const SegmentChain& chain, absl::Span<const UnionEntry> winners, const PagesUser& use)
      : chain_(chain),
        winners_(winners),
        use_(use),
        order_(StorageOrder(winners)),
        run_length_(PageRun::Length(chain.page_size())) {}

  absl::Status Run(size_t threads) {
    threads = std::min(threads, (order_.size() + run_length_ - 1) / run_length_);
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < threads; ++i) helpers.emplace_back([this] { Work(); });
    Work();
    for (std::thread& helper : helpers) helper.join();
    io::MutexLock lock(&mutex_);
    return error_;
  }

 private:
  void Work();

  const SegmentChain& chain_;
  const absl::Span<const UnionEntry> winners_;
  const PagesUser& use_;
  const std::vector<uint32_t> order_;
  const size_t run_length_;
  std::atomic<size_t> next_{0};
  io::Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

void Fetch::Work() {
  PageRun run(chain_, winners_, use_);
  while (true) {
    const size_t begin = next_.fetch_add(run_length_);
    if (begin >= order_.size()) return;
    const size_t length = std::min(run_length_, order_.size() - begin);
    const absl::Status status = run.Fetch(absl::MakeConstSpan(order_).subspan(begin, length));
    if (status.ok()) continue;
    next_ = order_.size();
    io::MutexLock lock(&mutex_);
    error_.Update(status);
    return;
  }
}

}  // namespace

absl::Status FetchPages(const SegmentChain& chain, absl::Span<const UnionEntry> winners,
                        size_t threads, const PagesUser& use) {
  return Fetch(chain, winners, use).Run(threads);
}

size_t DefaultThreads() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 8); }

size_t FetchThreads(const io::ObjectStore& store) {
  return store.is_remote() ? std::max(kRemoteThreads, DefaultThreads()) : DefaultThreads();
}

}  // namespace strata::compactor
