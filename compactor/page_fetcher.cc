#include "compactor/page_fetcher.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "io/mutex.h"
#include "io/status_macros.h"
#include "segment/digest.h"

namespace strata::compactor {
namespace {

using segment::DirectoryEntry;
using segment::SegmentReader;
using segment::UnionEntry;

constexpr size_t kRunLength = 256;           // winners that one thread takes at a time
constexpr uint64_t kDirectoryEntries = 512;  // read at a time

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

// Frame directory lines of one segment, read in stretches.
class DirectoryWindow {
 public:
  absl::StatusOr<DirectoryEntry> Find(const SegmentReader& reader, size_t source,
                                      uint64_t ordinal) {
    if (source != source_ || ordinal < first_ || ordinal - first_ >= entries_.size()) {
      STRATA_ASSIGN_OR_RETURN(entries_, reader.ReadDirectory(ordinal, kDirectoryEntries));
      source_ = source;
      first_ = ordinal;
    }
    if (entries_.empty()) {
      return absl::DataLossError(absl::StrCat(reader.source().name(), ": the index names frame ",
                                              ordinal, " of ", reader.footer().frames));
    }
    return entries_[ordinal - first_];
  }

 private:
  size_t source_ = SIZE_MAX;
  uint64_t first_ = 0;
  std::vector<DirectoryEntry> entries_;
};

// The work of all threads on one list of winners.
class Fetch {
 public:
  Fetch(const SegmentChain& chain, absl::Span<const UnionEntry> winners, const PageUser& use)
      : chain_(chain), winners_(winners), use_(use), order_(StorageOrder(winners)) {}

  absl::Status Run(size_t threads) {
    threads = std::min(threads, (order_.size() + kRunLength - 1) / kRunLength);
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < threads; ++i) helpers.emplace_back([this] { Work(); });
    Work();
    for (std::thread& helper : helpers) helper.join();
    io::MutexLock lock(&mutex_);
    return error_;
  }

 private:
  void Work();
  absl::Status FetchOne(uint32_t position, DirectoryWindow* directory,
                        std::vector<uint8_t>* payload, std::vector<uint8_t>* page);

  const SegmentChain& chain_;
  const absl::Span<const UnionEntry> winners_;
  const PageUser& use_;
  const std::vector<uint32_t> order_;
  std::atomic<size_t> next_{0};
  io::Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

void Fetch::Work() {
  DirectoryWindow directory;
  std::vector<uint8_t> payload;
  std::vector<uint8_t> page(chain_.page_size());
  while (true) {
    size_t begin = next_.fetch_add(kRunLength);
    if (begin >= order_.size()) return;
    size_t end = std::min(order_.size(), begin + kRunLength);
    for (size_t i = begin; i < end; ++i) {
      absl::Status status = FetchOne(order_[i], &directory, &payload, &page);
      if (status.ok()) continue;
      next_ = order_.size();
      io::MutexLock lock(&mutex_);
      error_.Update(status);
      return;
    }
  }
}

absl::Status Fetch::FetchOne(uint32_t position, DirectoryWindow* directory,
                             std::vector<uint8_t>* payload, std::vector<uint8_t>* page) {
  const UnionEntry& winner = winners_[position];
  const OpenedSegment& opened = chain_.segments()[winner.source];
  const SegmentReader& reader = *opened.reader;
  STRATA_ASSIGN_OR_RETURN(DirectoryEntry entry,
                          directory->Find(reader, winner.source, winner.ordinal));
  FetchedPage fetched;
  fetched.position = position;
  fetched.source = winner.source;
  STRATA_ASSIGN_OR_RETURN(fetched.header, reader.ReadStoredFrame(entry, payload));
  STRATA_RETURN_IF_ERROR(
      reader.DecodeFrame(entry, fetched.header, *payload, absl::MakeSpan(*page)));
  fetched.payload = *payload;
  fetched.page = *page;
  fetched.page_hash = segment::PageHash(winner.page, *page);
  bool same = fetched.header.page == winner.page && fetched.header.frame <= opened.upto;
  if (!same || (opened.is_whole() && fetched.page_hash != winner.page_hash)) {
    return absl::DataLossError(absl::StrCat(reader.source().name(), ": offset ", entry.offset,
                                            ": page ", winner.page.value(),
                                            " is not the one that the index promised"));
  }
  return use_(fetched);
}

}  // namespace

absl::Status FetchPages(const SegmentChain& chain, absl::Span<const UnionEntry> winners,
                        size_t threads, const PageUser& use) {
  return Fetch(chain, winners, use).Run(threads);
}

size_t DefaultThreads() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 8); }

}  // namespace strata::compactor
