#include "compactor/page_run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/digest.h"

namespace strata::compactor {
namespace {

using segment::DirectoryEntry;
using segment::SegmentReader;
using segment::UnionEntry;

constexpr uint64_t kDirectoryEntries = 512;  // read at a time
constexpr uint64_t kExtentBytes = 1 << 20;   // read at a time,
constexpr uint64_t kLongestGap = 32 << 10;   // with what lies between, as long as it is less
constexpr size_t kFewestPages = 16;

}  // namespace

size_t PageRun::Length(uint32_t page_size) {
  return std::max<size_t>(kFewestPages, kExtentBytes / page_size);
}

absl::StatusOr<DirectoryEntry> PageRun::FindEntry(const UnionEntry& winner) {
  const SegmentReader& reader = *chain_.segments()[winner.source].reader;
  if (winner.source != lines_source_ || winner.ordinal < lines_first_ ||
      winner.ordinal - lines_first_ >= lines_.size()) {
    STRATA_ASSIGN_OR_RETURN(lines_, reader.ReadDirectory(winner.ordinal, kDirectoryEntries));
    lines_source_ = winner.source;
    lines_first_ = winner.ordinal;
  }
  if (lines_.empty()) {
    return absl::DataLossError(absl::StrCat(reader.source().name(), ": the index names frame ",
                                            winner.ordinal, " of ", reader.footer().frames));
  }
  return lines_[winner.ordinal - lines_first_];
}

absl::Status PageRun::FindEntries(absl::Span<const uint32_t> positions) {
  wanted_.clear();
  for (const uint32_t position : positions) {
    const UnionEntry& winner = winners_[position];
    Wanted wanted;
    wanted.position = position;
    wanted.source = winner.source;
    STRATA_ASSIGN_OR_RETURN(wanted.entry, FindEntry(winner));
    wanted.end =
        wanted.entry.offset + chain_.segments()[winner.source].reader->RecordBytes(wanted.entry);
    wanted_.push_back(wanted);
  }
  return absl::OkStatus();
}

// How many of the wanted, from `begin` on, are read together.
size_t PageRun::ExtentFrom(size_t begin) const {
  size_t end = begin + 1;
  for (; end < wanted_.size(); ++end) {
    const Wanted& last = wanted_[end - 1];
    const Wanted& next = wanted_[end];
    const bool is_near = next.source == last.source && next.entry.offset >= last.end &&
                         next.entry.offset - last.end <= kLongestGap;
    if (!is_near || next.end - wanted_[begin].entry.offset > kExtentBytes) break;
  }
  return end - begin;
}

absl::StatusOr<FetchedPage> PageRun::Take(const Wanted& wanted, io::ByteView record,
                                          uint8_t* room) const {
  const UnionEntry& winner = winners_[wanted.position];
  const OpenedSegment& opened = chain_.segments()[wanted.source];
  const SegmentReader& reader = *opened.reader;
  FetchedPage fetched;
  fetched.position = wanted.position;
  fetched.source = wanted.source;
  STRATA_ASSIGN_OR_RETURN(fetched.header,
                          reader.ParseRecord(wanted.entry, record, &fetched.payload));
  STRATA_ASSIGN_OR_RETURN(fetched.page,
                          reader.PlainPage(wanted.entry, fetched.header, fetched.payload,
                                           io::MutableBytes(room, chain_.page_size())));
  fetched.page_hash = segment::PageHash(winner.page, fetched.page);
  const bool same = fetched.header.page == winner.page && fetched.header.frame <= opened.upto;
  if (same && (!opened.is_whole() || fetched.page_hash == winner.page_hash)) return fetched;
  return absl::DataLossError(absl::StrCat(reader.source().name(), ": offset ", wanted.entry.offset,
                                          ": page ", winner.page.value(),
                                          " is not the one that the index promised"));
}

absl::Status PageRun::ReadExtent(absl::Span<const Wanted> extent) {
  const SegmentReader& reader = *chain_.segments()[extent.front().source].reader;
  const uint64_t offset = extent.front().entry.offset;
  const uint64_t length = extent.back().end - offset;
  if (stored_.size() < length) stored_.resize(length);
  STRATA_RETURN_IF_ERROR(reader.ReadRecords(offset, io::MutableBytes(stored_.data(), length)));
  if (decoded_.size() < extent.size() * chain_.page_size())
    decoded_.resize(extent.size() * chain_.page_size());
  fetched_.clear();
  for (const Wanted& wanted : extent) {
    const io::ByteView record(stored_.data() + (wanted.entry.offset - offset),
                              wanted.end - wanted.entry.offset);
    STRATA_ASSIGN_OR_RETURN(
        const FetchedPage page,
        Take(wanted, record, decoded_.data() + fetched_.size() * chain_.page_size()));
    fetched_.push_back(page);
  }
  return use_(fetched_);
}

absl::Status PageRun::Fetch(absl::Span<const uint32_t> positions) {
  STRATA_RETURN_IF_ERROR(FindEntries(positions));
  for (size_t begin = 0; begin < wanted_.size();) {
    const size_t length = ExtentFrom(begin);
    STRATA_RETURN_IF_ERROR(ReadExtent(absl::MakeConstSpan(wanted_).subspan(begin, length)));
    begin += length;
  }
  return absl::OkStatus();
}

}  // namespace strata::compactor
