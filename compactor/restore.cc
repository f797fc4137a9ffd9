#include "compactor/restore.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "compactor/output_file.h"
#include "compactor/page_fetcher.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"
#include "segment/digest.h"
#include "segment/page_union.h"

namespace strata::compactor {
namespace {

using segment::PageNo;
using segment::UnionEntry;

constexpr size_t kWindowPages = 1 << 16;         // winners held at a time
constexpr uint64_t kWritebackBytes = 256 << 10;  // smaller pieces are gathered by the system
constexpr uint64_t kSampleBytes = 64 << 20;      // of pages, for an estimate

// Puts the pages of a chain into a file, and works out their digest.
class PageWriter {
 public:
  PageWriter(const SegmentChain& chain, io::File* file, size_t threads,
             const RestoreOptions& options)
      : chain_(chain), file_(file), threads_(threads), options_(options) {}

  // Stops after `most_pages`, or a little more.
  absl::Status Run(uint64_t most_pages = UINT64_MAX);
  uint64_t digest() const { return digest_; }
  uint64_t pages_fetched() const { return pages_fetched_; }
  uint64_t pages_zero() const { return pages_zero_; }

 private:
  bool IsLockBytePage(uint64_t page) const {
    return page == segment::LockBytePage(chain_.page_size()).value();
  }
  void AddZeroPages(uint64_t begin, uint64_t end);
  absl::Status Write(absl::Span<const FetchedPage> fetched);
  absl::Status WriteWindow(absl::Span<const UnionEntry> window);

  const SegmentChain& chain_;
  io::File* const file_;
  const size_t threads_;
  const RestoreOptions& options_;
  std::atomic<uint64_t> digest_{0};
  std::atomic<uint64_t> pages_fetched_{0};
  uint64_t pages_zero_ = 0;
};

// Pages [begin, end) have no version: they are zeros in the file (a hole) and count as such.
void PageWriter::AddZeroPages(uint64_t begin, uint64_t end) {
  for (uint64_t page = begin; page < end; ++page) {
    if (IsLockBytePage(page)) continue;
    digest_ ^= segment::ZeroPageHash(PageNo(static_cast<uint32_t>(page)), chain_.page_size());
    ++pages_zero_;
  }
}

// Pages that follow each other in the file too are written at once.
absl::Status PageWriter::Write(absl::Span<const FetchedPage> fetched) {
  std::vector<io::ByteView> parts;
  parts.reserve(fetched.size());
  uint64_t digest = 0;
  for (size_t i = 0; i < fetched.size(); ++i) {
    const uint64_t page = fetched[i].header.page.value();
    if (!IsLockBytePage(page)) digest ^= fetched[i].page_hash;
    parts.push_back(fetched[i].page);
    const bool goes_on = i + 1 < fetched.size() && fetched[i + 1].header.page.value() == page + 1;
    if (goes_on) continue;
    const uint64_t first = page + 1 - parts.size();
    const uint64_t offset = (first - 1) * chain_.page_size();
    STRATA_RETURN_IF_ERROR(file_->WriteAt(offset, parts));
    const uint64_t bytes = parts.size() * chain_.page_size();
    if (bytes >= kWritebackBytes) STRATA_RETURN_IF_ERROR(file_->StartWriteback(offset, bytes));
    parts.clear();
  }
  digest_ ^= digest;
  const uint64_t done = pages_fetched_ += fetched.size();
  if (options_.progress) options_.progress(done, chain_.commit().database_pages);
  return absl::OkStatus();
}

absl::Status PageWriter::WriteWindow(absl::Span<const UnionEntry> window) {
  return FetchPages(chain_, window, threads_,
                    [this](absl::Span<const FetchedPage> pages) { return Write(pages); });
}

absl::Status PageWriter::Run(uint64_t most_pages) {
  const uint64_t pages = chain_.commit().database_pages;
  STRATA_RETURN_IF_ERROR(file_->Truncate(pages * chain_.page_size()));
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<segment::PageUnion> winners, chain_.NewUnion());
  std::vector<UnionEntry> window(std::min({uint64_t{kWindowPages}, pages + 1, most_pages}));
  uint64_t next_page = 1;
  while (pages_fetched_ < most_pages) {
    STRATA_ASSIGN_OR_RETURN(size_t filled, winners->NextBatch(absl::MakeSpan(window)));
    if (filled == 0) break;
    for (const UnionEntry& entry : absl::MakeConstSpan(window).first(filled)) {
      AddZeroPages(next_page, entry.page.value());
      next_page = uint64_t{entry.page.value()} + 1;
    }
    STRATA_RETURN_IF_ERROR(WriteWindow(absl::MakeConstSpan(window).first(filled)));
  }
  AddZeroPages(next_page, pages + 1);
  if (options_.progress) options_.progress(pages, pages);
  return absl::OkStatus();
}

absl::Status CheckDigest(const NamespaceHistory& history, const SegmentChain& chain,
                         const segment::CommitEntry& wanted, uint64_t found) {
  if (found == chain.commit().digest && found == wanted.digest) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "namespace %s: the database at frame %d has digest %016x, expected %016x; path ends with %s",
      history.ns, chain.commit().frame.value(), found, chain.commit().digest,
      chain.segments().back().reader->source().name()));
}

}  // namespace

absl::StatusOr<RestorePlan> PlanRestore(const NamespaceHistory& history,
                                        const ResolvedTarget& target) {
  RestorePlan plan;
  STRATA_ASSIGN_OR_RETURN(plan.path, PlanPath(history.ns, *target.log, target.commit.frame));
  for (const PathStep& step : plan.path) {
    uint64_t size = target.log->segments[step.segment].size;
    plan.bytes += std::min(size, UINT64_MAX - plan.bytes);
    plan.requests += RequestsFor(size);
  }
  return plan;
}

absl::StatusOr<double> EstimateSeconds(io::ObjectStore* store, BlockCache* cache,
                                       io::FileSystem* file_system, io::Random* random,
                                       io::Clock* clock, const NamespaceHistory& history,
                                       const ResolvedTarget& target, const RestorePlan& plan,
                                       const std::string& output, const RestoreOptions& options) {
  const int64_t begin_us = clock->MonotonicMicros();
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file,
                          OutputFile::Create(file_system, random, output, true));
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentChain> chain,
                          SegmentChain::Open(store, cache, history.ns, *target.log, plan.path));
  const int64_t opened_us = clock->MonotonicMicros();
  const size_t threads = options.threads == 0 ? FetchThreads(*store) : options.threads;
  PageWriter writer(*chain, &file->file(), threads, options);
  STRATA_RETURN_IF_ERROR(writer.Run(kSampleBytes / chain->page_size()));
  STRATA_RETURN_IF_ERROR(file->file().Sync());
  const int64_t end_us = clock->MonotonicMicros();
  const uint64_t fetched = std::max<uint64_t>(writer.pages_fetched(), 1);
  const double share = std::max(
      1.0, static_cast<double>(chain->commit().database_pages) / static_cast<double>(fetched));
  return (static_cast<double>(opened_us - begin_us) +
          static_cast<double>(end_us - opened_us) * share) /
         1e6;
}

absl::StatusOr<RestoreResult> Restore(io::ObjectStore* store, BlockCache* cache,
                                      io::FileSystem* file_system, io::Random* random,
                                      const NamespaceHistory& history, const ResolvedTarget& target,
                                      const RestorePlan& plan, const std::string& output,
                                      const RestoreOptions& options) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file,
                          OutputFile::Create(file_system, random, output, options.force));
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentChain> chain,
                          SegmentChain::Open(store, cache, history.ns, *target.log, plan.path));
  const size_t threads = options.threads == 0 ? FetchThreads(*store) : options.threads;
  PageWriter writer(*chain, &file->file(), threads, options);
  STRATA_RETURN_IF_ERROR(writer.Run());
  RestoreResult result;
  result.database_bytes = uint64_t{chain->commit().database_pages} * chain->page_size();
  result.pages_fetched = writer.pages_fetched();
  result.pages_zero = writer.pages_zero();
  result.digest_checked = chain->has_digest();
  if (chain->has_digest()) {
    STRATA_RETURN_IF_ERROR(CheckDigest(history, *chain, target.commit, writer.digest()));
  }
  STRATA_RETURN_IF_ERROR(file->Publish());
  return result;
}

}  // namespace strata::compactor
