#include "compactor/segment_chain.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

using segment::CommitEntry;
using segment::DirectoryEntry;
using segment::FrameNo;
using segment::PageIndexEntry;
using segment::PageIndexIterator;
using segment::SegmentReader;
using segment::StoredSegment;

constexpr uint64_t kDirectoryRead = 4096;  // entries at a time

// An index that was worked out in memory.
class VectorIterator : public PageIndexIterator {
 public:
  explicit VectorIterator(std::vector<PageIndexEntry> entries) : entries_(std::move(entries)) {}

  absl::StatusOr<std::optional<PageIndexEntry>> Next() override {
    if (next_ == entries_.size()) return std::nullopt;
    return entries_[next_++];
  }

 private:
  std::vector<PageIndexEntry> entries_;
  size_t next_ = 0;
};

absl::Status Differs(const SegmentReader& reader, absl::string_view what,
                     absl::string_view expected, absl::string_view found) {
  return absl::DataLossError(
      absl::StrCat(reader.source().name(), ": ", what, ": expected ", expected, ", found ", found));
}

absl::Status CheckNumber(const SegmentReader& reader, absl::string_view what, uint64_t expected,
                         uint64_t found) {
  if (expected == found) return absl::OkStatus();
  return Differs(reader, what, absl::StrCat(expected), absl::StrCat(found));
}

absl::Status CheckIsWhatKeySays(const SegmentReader& reader, const StoredSegment& stored,
                                uint32_t page_size) {
  const segment::Footer& footer = reader.footer();
  const segment::SegmentHeader& header = reader.header();
  const segment::SegmentKey& key = stored.key;
  if (footer.log_id != key.log_id) {
    return Differs(reader, "log id", segment::ToString(key.log_id),
                   segment::ToString(footer.log_id));
  }
  STRATA_RETURN_IF_ERROR(
      CheckNumber(reader, "first frame", key.first.value(), footer.first_frame.value()));
  STRATA_RETURN_IF_ERROR(
      CheckNumber(reader, "last frame", key.last.value(), footer.last_frame.value()));
  STRATA_RETURN_IF_ERROR(CheckNumber(reader, "epoch", key.epoch.value(), footer.epoch.value()));
  STRATA_RETURN_IF_ERROR(CheckNumber(reader, "level", key.level, header.level));
  STRATA_RETURN_IF_ERROR(CheckNumber(reader, "length", stored.size, footer.segment_length));
  STRATA_RETURN_IF_ERROR(CheckNumber(reader, "page size", page_size, footer.page_size));
  bool is_compacted = footer.state == segment::SegmentState::kCompacted;
  return CheckNumber(reader, "compacted", key.level == segment::kSealedLevel ? 0 : 1,
                     is_compacted ? 1 : 0);
}

// The commits of a segment up to a frame.
std::vector<CommitEntry> CommitsUpTo(const SegmentReader& reader, FrameNo upto) {
  std::vector<CommitEntry> commits;
  for (const CommitEntry& commit : reader.commits()) {
    if (commit.frame <= upto) commits.push_back(commit);
  }
  return commits;
}

// The smallest database size at any commit of a segment up to a frame.
uint32_t SmallestSize(const OpenedSegment& opened) {
  uint32_t smallest = UINT32_MAX;
  for (const CommitEntry& commit : opened.reader->commits()) {
    if (commit.frame <= opened.upto) smallest = std::min(smallest, commit.min_database_pages);
  }
  return smallest;
}

// The frames up to `upto`, in page order and for each page in frame order.
absl::StatusOr<std::vector<std::pair<PageIndexEntry, FrameNo>>> VersionsUpTo(
    const SegmentReader& reader, FrameNo upto) {
  std::vector<std::pair<PageIndexEntry, FrameNo>> versions;
  bool more = true;
  for (uint64_t at = 0; more; at += kDirectoryRead) {
    STRATA_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries,
                            reader.ReadDirectory(at, kDirectoryRead));
    more = entries.size() == kDirectoryRead;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].frame > upto) {
        more = false;
        break;
      }
      versions.push_back({{entries[i].page, static_cast<uint32_t>(at + i), 0}, entries[i].frame});
    }
  }
  std::sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.page, a.first.ordinal) < std::pair(b.first.page, b.first.ordinal);
  });
  return versions;
}

// The index that the segment would have had, had it ended at `upto`.
absl::StatusOr<std::unique_ptr<PageIndexIterator>> IndexUpTo(const SegmentReader& reader,
                                                             FrameNo upto) {
  STRATA_ASSIGN_OR_RETURN(auto versions, VersionsUpTo(reader, upto));
  std::vector<CommitEntry> commits = CommitsUpTo(reader, upto);
  segment::LowestSizes lowest(commits);
  std::vector<PageIndexEntry> entries;
  for (size_t i = 0; i < versions.size(); ++i) {
    const auto& [entry, frame] = versions[i];
    bool is_newest = i + 1 == versions.size() || versions[i + 1].first.page != entry.page;
    if (is_newest && entry.page.value() <= lowest.Since(frame)) entries.push_back(entry);
  }
  return std::unique_ptr<PageIndexIterator>(new VectorIterator(std::move(entries)));
}

}  // namespace

namespace {

absl::StatusOr<std::unique_ptr<SegmentReader>> OpenOfSize(io::ObjectStore* store, BlockCache* cache,
                                                          absl::string_view ns,
                                                          const StoredSegment& stored,
                                                          uint32_t page_size) {
  auto source = std::make_shared<CachedObject>(
      store, cache, segment::BuildSegmentKey(ns, stored.key), stored.size);
  absl::StatusOr<std::unique_ptr<SegmentReader>> reader = SegmentReader::Open(
      source, std::make_shared<segment::StoredDictionaries>(store, &cache->dictionaries(), ns));
  if (!reader.ok()) return reader.status();
  STRATA_RETURN_IF_ERROR(CheckIsWhatKeySays(**reader, stored, page_size));
  return reader;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentReader>> OpenStoredSegment(io::ObjectStore* store,
                                                                 BlockCache* cache,
                                                                 absl::string_view ns,
                                                                 const StoredSegment& stored,
                                                                 uint32_t page_size) {
  auto reader = OpenOfSize(store, cache, ns, stored, page_size);
  if (reader.ok() || absl::IsNotFound(reader.status())) return reader;
  // A segment that is encoded anew has its new length shortly before the manifest says so.
  const auto tail = store->GetTail(segment::BuildSegmentKey(ns, stored.key), 0);
  if (!tail.ok() || tail->object_size == stored.size) return reader;
  auto again = OpenOfSize(store, cache, ns, {stored.key, tail->object_size}, page_size);
  return again.ok() ? std::move(again) : std::move(reader);
}

absl::StatusOr<std::unique_ptr<SegmentChain>> SegmentChain::Open(io::ObjectStore* store,
                                                                 BlockCache* cache,
                                                                 absl::string_view ns,
                                                                 const LogHistory& log,
                                                                 absl::Span<const PathStep> path) {
  std::unique_ptr<SegmentChain> chain(new SegmentChain());
  chain->page_size_ = log.page_size;
  for (const PathStep& step : path) {
    const CountedSegment& counted = log.segments[step.segment];
    OpenedSegment opened;
    opened.key = counted.key;
    opened.upto = step.upto;
    STRATA_ASSIGN_OR_RETURN(
        opened.reader,
        OpenStoredSegment(store, cache, ns, {counted.key, counted.size}, log.page_size));
    chain->segments_.push_back(std::move(opened));
  }
  STRATA_RETURN_IF_ERROR(chain->FindCommit());
  return chain;
}

absl::Status SegmentChain::FindCommit() {
  if (segments_.empty()) return absl::OkStatus();
  for (const OpenedSegment& opened : segments_) {
    const CommitEntry* commit =
        segment::LastCommitAtOrBefore(opened.reader->commits(), opened.upto);
    if (commit == nullptr || commit->frame != opened.upto) {
      return absl::DataLossError(absl::StrCat(opened.reader->source().name(), ": frame ",
                                              opened.upto.value(), " is no commit"));
    }
    commit_ = *commit;
  }
  has_digest_ = segments_.back().reader->footer().digest_kind == segment::DigestKind::kXorXxh3;
  return absl::OkStatus();
}

std::vector<CommitEntry> SegmentChain::Commits() const {
  std::vector<CommitEntry> commits;
  for (const OpenedSegment& opened : segments_) {
    for (const CommitEntry& commit : opened.reader->commits()) {
      bool is_new = commits.empty() || commit.frame > commits.back().frame;
      if (is_new && commit.frame <= opened.upto) commits.push_back(commit);
    }
  }
  return commits;
}

absl::StatusOr<std::unique_ptr<segment::PageUnion>> SegmentChain::NewUnion() const {
  std::vector<segment::UnionSource> sources(segments_.size());
  uint32_t live_limit = UINT32_MAX;
  for (size_t i = segments_.size(); i-- > 0;) {
    const OpenedSegment& opened = segments_[i];
    sources[i].live_limit = live_limit;
    if (opened.is_whole()) {
      STRATA_ASSIGN_OR_RETURN(sources[i].index, opened.reader->NewIndexIterator());
    } else {
      STRATA_ASSIGN_OR_RETURN(sources[i].index, IndexUpTo(*opened.reader, opened.upto));
    }
    live_limit = std::min(live_limit, SmallestSize(opened));
  }
  return std::make_unique<segment::PageUnion>(std::move(sources), commit_.database_pages);
}

}  // namespace strata::compactor
