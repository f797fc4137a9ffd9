#include "compactor/digest_walk.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_format.h"
#include "io/status_macros.h"
#include "segment/digest.h"

namespace strata::compactor {
namespace {

using segment::CommitEntry;
using segment::DirectoryEntry;
using segment::FrameHeader;
using segment::FrameNo;
using segment::SegmentReader;

constexpr uint64_t kEntriesAtATime = 512;

uint32_t SmallestSize(const SegmentReader& reader) {
  uint32_t smallest = UINT32_MAX;
  for (const CommitEntry& commit : reader.commits()) {
    smallest = std::min(smallest, commit.min_database_pages);
  }
  return smallest;
}

}  // namespace

void DigestWalk::Compare(const OpenedSegment& opened, const CommitEntry& commit, uint64_t digest) {
  if (opened.reader->footer().digest_kind != segment::DigestKind::kXorXxh3) return;
  ++digests_checked_;
  if (digest == commit.digest) return;
  findings_.push_back({opened.reader->source().name(),
                       absl::StrFormat("the database at frame %d has digest %016x, expected %016x",
                                       commit.frame.value(), digest, commit.digest)});
}

// Replays the frames behind `after` one by one.
absl::Status DigestWalk::ApplySealed(const OpenedSegment& opened, FrameNo after) {
  const SegmentReader& reader = *opened.reader;
  std::vector<uint8_t> page(log_.page_size);
  segment::RecentPages recent;
  for (uint64_t at = 0;; at += kEntriesAtATime) {
    STRATA_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries,
                            reader.ReadDirectory(at, kEntriesAtATime));
    if (entries.empty()) return absl::OkStatus();
    for (size_t i = 0; i < entries.size(); ++i) {
      const DirectoryEntry& entry = entries[i];
      if (entry.frame <= after) continue;
      if (entry.frame > opened.upto) return absl::OkStatus();
      STRATA_RETURN_IF_ERROR(
          reader.ReadFrame(at + i, entry, &recent, absl::MakeSpan(page)).status());
      column_.Set(entry.page, segment::PageHash(entry.page, page));
      const CommitEntry* commit = segment::LastCommitAtOrBefore(reader.commits(), entry.frame);
      if (commit == nullptr || commit->frame != entry.frame) continue;
      column_.Resize(commit->database_pages);
      Compare(opened, *commit, column_.digest());
    }
  }
}

absl::Status DigestWalk::ApplyCompacted(const SegmentChain& chain, HashColumn* column) {
  const OpenedSegment& opened = chain.segments().back();
  column->Resize(std::min(column->pages(), SmallestSize(*opened.reader)));
  column->Resize(chain.commit().database_pages);
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<segment::PageUnion> pages, chain.NewUnion());
  while (true) {
    STRATA_ASSIGN_OR_RETURN(std::optional<segment::UnionEntry> entry, pages->Next());
    if (!entry) break;
    column->Set(entry->page, entry->page_hash);
  }
  Compare(opened, chain.commit(), column->digest());
  return absl::OkStatus();
}

// Compacted segments that start behind `boundary` and are not on the way themselves.
absl::Status DigestWalk::CheckAlternatives(FrameNo boundary) {
  for (size_t i = 0; i < log_.segments.size(); ++i) {
    const CountedSegment& s = log_.segments[i];
    if (is_done_[i] || s.is_sealed() || s.key.first != boundary.next()) continue;
    STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentChain> chain,
                            SegmentChain::Open(store_, cache_, ns_, log_, {PathStep{i, s.upto}}));
    HashColumn copy = column_;
    STRATA_RETURN_IF_ERROR(ApplyCompacted(*chain, &copy));
    is_done_[i] = true;
  }
  return absl::OkStatus();
}

absl::Status DigestWalk::Step(const PathStep& step) {
  is_done_[step.segment] = true;
  STRATA_RETURN_IF_ERROR(CheckAlternatives(at_));
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SegmentChain> chain,
                          SegmentChain::Open(store_, cache_, ns_, log_, {step}));
  if (log_.segments[step.segment].is_sealed()) {
    STRATA_RETURN_IF_ERROR(ApplySealed(chain->segments().back(), at_));
  } else {
    STRATA_RETURN_IF_ERROR(ApplyCompacted(*chain, &column_));
  }
  at_ = step.upto;
  return absl::OkStatus();
}

absl::Status DigestWalk::Run() {
  is_done_.assign(log_.segments.size(), false);
  STRATA_ASSIGN_OR_RETURN(std::vector<PathStep> path, PlanExactPath(ns_, log_, ReachableEnd(log_)));
  for (const PathStep& step : path) STRATA_RETURN_IF_ERROR(Step(step));
  for (size_t i = 0; i < is_done_.size(); ++i) {
    if (is_done_[i] || log_.segments[i].is_sealed()) continue;
    notes_.push_back(
        {segment::BuildSegmentKey(ns_, log_.segments[i].key),
         "its digest was not recomputed: no commit that can be restored exactly lies before it"});
  }
  return absl::OkStatus();
}

}  // namespace strata::compactor
