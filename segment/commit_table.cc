#include "segment/commit_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"

// Format: docs/segment_format.md, "Commit table"; constants in segment/commit_table.h.
namespace strata::segment {
namespace {

using io::LoadLittleEndian;
using io::StoreLittleEndian;

constexpr size_t kCountAt = 0;
constexpr size_t kChecksumAt = 12;  // over the bytes before it and the entries

constexpr size_t kFrameAt = 0;
constexpr size_t kTimeAt = 8;
constexpr size_t kPagesAt = 16;
constexpr size_t kMinPagesAt = 20;
constexpr size_t kDigestAt = 24;

uint32_t TableChecksum(io::ByteView table) {
  return io::Crc32c(io::Crc32c(0, table.first(kChecksumAt)), table.subspan(kCommitTableHeaderSize));
}

void EncodeEntry(const CommitEntry& entry, uint8_t* to) {
  StoreLittleEndian<uint64_t>(to + kFrameAt, entry.frame.value());
  StoreLittleEndian<uint64_t>(to + kTimeAt, static_cast<uint64_t>(entry.time_us));
  StoreLittleEndian<uint32_t>(to + kPagesAt, entry.database_pages);
  StoreLittleEndian<uint32_t>(to + kMinPagesAt, entry.min_database_pages);
  StoreLittleEndian<uint64_t>(to + kDigestAt, entry.digest);
}

CommitEntry DecodeEntry(const uint8_t* from) {
  CommitEntry entry;
  entry.frame = FrameNo(LoadLittleEndian<uint64_t>(from + kFrameAt));
  entry.time_us = static_cast<int64_t>(LoadLittleEndian<uint64_t>(from + kTimeAt));
  entry.database_pages = LoadLittleEndian<uint32_t>(from + kPagesAt);
  entry.min_database_pages = LoadLittleEndian<uint32_t>(from + kMinPagesAt);
  entry.digest = LoadLittleEndian<uint64_t>(from + kDigestAt);
  return entry;
}

absl::Status Damaged(absl::string_view what, uint64_t expected, uint64_t found) {
  return absl::DataLossError(
      absl::StrCat("commit table: ", what, ": expected ", expected, ", found ", found));
}

}  // namespace

absl::Status CheckCommitFollows(const CommitEntry* last, const CommitEntry& commit) {
  const FrameNo least = last == nullptr ? FrameNo(1) : last->frame.next();
  if (commit.frame < least) {
    return absl::InvalidArgumentError(absl::StrCat("commit table: expected a frame of at least ",
                                                   least.value(), ", found ",
                                                   commit.frame.value()));
  }
  const bool has_minimum = commit.min_database_pages > 0 || commit.database_pages == 0;
  if (!has_minimum || commit.min_database_pages > commit.database_pages) {
    return absl::InvalidArgumentError(absl::StrCat(
        "commit table: frame ", commit.frame.value(), ": expected a smallest size of 1 to ",
        commit.database_pages, " pages, found ", commit.min_database_pages));
  }
  return absl::OkStatus();
}

LowestSizes::LowestSizes(const std::vector<CommitEntry>& commits)
    : commits_(commits), lowest_(commits.size()) {
  uint32_t lowest = UINT32_MAX;
  for (size_t i = commits.size(); i-- > 0;) {
    lowest = std::min(lowest, commits[i].min_database_pages);
    lowest_[i] = lowest;
  }
}

// Of the entry whose interval `frame` lies in only the size at its end counts: the smaller one may
// have been before `frame`.
uint32_t LowestSizes::Since(FrameNo frame) const {
  const auto at = std::lower_bound(
      commits_.begin(), commits_.end(), frame,
      [](const CommitEntry& commit, FrameNo wanted) { return commit.frame < wanted; });
  if (at == commits_.end()) return UINT32_MAX;
  const size_t next = static_cast<size_t>(at - commits_.begin()) + 1;
  const uint32_t later = next < commits_.size() ? lowest_[next] : UINT32_MAX;
  return std::min(at->database_pages, later);
}

std::vector<uint8_t> EncodeCommitTable(const std::vector<CommitEntry>& commits) {
  std::vector<uint8_t> bytes(kCommitTableHeaderSize + commits.size() * kCommitEntrySize);
  StoreLittleEndian<uint64_t>(bytes.data() + kCountAt, commits.size());
  uint8_t* to = bytes.data() + kCommitTableHeaderSize;
  for (const CommitEntry& commit : commits) {
    EncodeEntry(commit, to);
    to += kCommitEntrySize;
  }
  StoreLittleEndian<uint32_t>(bytes.data() + kChecksumAt, TableChecksum(bytes));
  return bytes;
}

absl::StatusOr<std::vector<CommitEntry>> DecodeCommitTable(io::ByteView bytes) {
  if (bytes.size() < kCommitTableHeaderSize) {
    return Damaged("bytes at least", kCommitTableHeaderSize, bytes.size());
  }
  const uint32_t stored = LoadLittleEndian<uint32_t>(bytes.data() + kChecksumAt);
  const uint32_t computed = TableChecksum(bytes);
  if (stored != computed) return Damaged("checksum", stored, computed);
  const uint64_t count = LoadLittleEndian<uint64_t>(bytes.data() + kCountAt);
  if (count > kMaxCommits) return Damaged("entries at most", kMaxCommits, count);
  const uint64_t length = kCommitTableHeaderSize + count * kCommitEntrySize;
  if (bytes.size() != length) return Damaged("bytes", length, bytes.size());

  std::vector<CommitEntry> commits;
  commits.reserve(count);
  const uint8_t* from = bytes.data() + kCommitTableHeaderSize;
  for (uint64_t i = 0; i < count; ++i, from += kCommitEntrySize) {
    const CommitEntry entry = DecodeEntry(from);
    const CommitEntry* last = commits.empty() ? nullptr : &commits.back();
    if (absl::Status follows = CheckCommitFollows(last, entry); !follows.ok()) {
      return absl::DataLossError(follows.message());
    }
    commits.push_back(entry);
  }
  return commits;
}

const CommitEntry* LastCommitAtOrBefore(const std::vector<CommitEntry>& commits, FrameNo frame) {
  const auto later = std::upper_bound(
      commits.begin(), commits.end(), frame,
      [](FrameNo wanted, const CommitEntry& commit) { return wanted < commit.frame; });
  return later == commits.begin() ? nullptr : &*std::prev(later);
}

const CommitEntry* LastCommitAtOrBeforeTime(const std::vector<CommitEntry>& commits,
                                            int64_t time_us) {
  const auto later = std::upper_bound(
      commits.begin(), commits.end(), time_us,
      [](int64_t wanted, const CommitEntry& commit) { return wanted < commit.time_us; });
  return later == commits.begin() ? nullptr : &*std::prev(later);
}

}  // namespace strata::segment
