#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/delta_chains.h"
#include "segment/dense_record.h"
#include "segment/frame_codec.h"
#include "segment/segment_reader.h"

// The part of SegmentReader that turns frames into plain pages.
namespace strata::segment {

absl::StatusOr<FrameHeader> SegmentReader::ReadFrame(uint64_t ordinal,
                                                     io::MutableBytes page) const {
  if (ordinal >= footer_.frames) {
    return absl::OutOfRangeError(absl::StrCat(source_->name(), ": expected an ordinal below ",
                                              footer_.frames, ", found ", ordinal));
  }
  STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, ReadDirectory(ordinal, 1));
  return ReadFrame(entries.front(), page);
}

absl::StatusOr<FrameHeader> SegmentReader::ReadFrame(const DirectoryEntry& entry,
                                                     io::MutableBytes page) const {
  std::vector<uint8_t> payload;
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header, ReadStoredFrame(entry, &payload));
  STRATA_RETURN_IF_ERROR(DecodeFrame(entry, header, payload, page));
  return header;
}

absl::StatusOr<FrameHeader> SegmentReader::ReadFrame(uint64_t ordinal, const DirectoryEntry& entry,
                                                     RecentPages* recent,
                                                     io::MutableBytes page) const {
  std::vector<uint8_t> payload;
  std::vector<uint8_t> previous;
  STRATA_ASSIGN_OR_RETURN(const FrameHeader header, ReadStoredFrame(entry, &payload));
  if (header.codec == Codec::kDelta) {
    STRATA_RETURN_IF_ERROR(DecodeChain(entry, recent, &previous));
  }
  STRATA_RETURN_IF_ERROR(DecodeAgainst(entry, header, previous, payload, page));
  recent->Put(entry.page, ordinal, page);
  return header;
}

absl::Status SegmentReader::DecodeFrame(const DirectoryEntry& entry, const FrameHeader& header,
                                        io::ByteView payload, io::MutableBytes page) const {
  std::vector<uint8_t> previous;
  if (header.codec == Codec::kDelta) {
    STRATA_RETURN_IF_ERROR(DecodeChain(entry, nullptr, &previous));
  }
  return DecodeAgainst(entry, header, previous, payload, page);
}

// A frame as the segment's header, directory and commit table describe it.
absl::StatusOr<FrameHeader> SegmentReader::DescribeFrame(const DirectoryEntry& entry) const {
  FrameHeader header;
  header.is_commit = entry.is_commit;
  header.codec = entry.codec;
  header.frame = entry.frame;
  header.page = entry.page;
  header.stored_length = entry.stored_length;
  if (entry.codec == Codec::kZstdDictionary) {
    header.dictionary_id = header_.dictionaries[entry.dictionary_slot].id;
  }
  if (!entry.is_commit) return header;
  const CommitEntry* commit = LastCommitAtOrBefore(commits_, entry.frame);
  if (commit == nullptr || commit->frame != entry.frame) {
    return Damaged(entry.offset, "commit in the table at frame", entry.frame.value(),
                   commit == nullptr ? 0 : commit->frame.value());
  }
  header.database_pages = commit->database_pages;
  header.commit_time_us = commit->time_us;
  const bool is_first = commit == commits_.data();
  header.transaction_first = is_first ? header_.first_frame : (commit - 1)->frame.next();
  return header;
}

absl::StatusOr<FrameHeader> SegmentReader::ParseDenseRecord(const DirectoryEntry& entry,
                                                            io::ByteView record,
                                                            io::ByteView* payload) const {
  STRATA_ASSIGN_OR_RETURN(FrameHeader header, DescribeFrame(entry));
  *payload = record.subspan(kDenseHeaderSize);
  if (DecodeDenseHeader(record.data(), *payload, seed_, &header)) return header;
  return absl::DataLossError(absl::StrCat(source_->name(), ": offset ", entry.offset,
                                          ": checksum of frame ", entry.frame.value(),
                                          ": expected another than ", header.checksum));
}

absl::StatusOr<io::ByteView> SegmentReader::PlainPage(const DirectoryEntry& entry,
                                                      const FrameHeader& header,
                                                      io::ByteView payload,
                                                      io::MutableBytes room) const {
  if (header.codec == Codec::kRaw && payload.size() == header_.page_size) {
    STRATA_RETURN_IF_ERROR(CheckPage(entry, header, payload));
    return payload;
  }
  STRATA_RETURN_IF_ERROR(DecodeFrame(entry, header, payload, room));
  return io::ByteView(room);
}

absl::StatusOr<const Dictionary*> SegmentReader::DictionaryFor(const DirectoryEntry& entry,
                                                               uint32_t dictionary_id) const {
  const DictionaryRef ref = header_.dictionaries[entry.dictionary_slot];
  if (ref.id == 0 || ref.id != dictionary_id) {
    return Damaged(entry.offset, "dictionary of the segment", ref.id, dictionary_id);
  }
  io::MutexLock lock(&dictionary_mutex_);
  std::shared_ptr<const Dictionary>& dictionary = dictionaries_[entry.dictionary_slot];
  if (dictionary != nullptr) return dictionary.get();
  if (dictionary_source_ == nullptr) {
    return absl::UnimplementedError(absl::StrFormat(
        "%s: offset %d: frame %d needs dictionary %08x, and there is no store to read it from",
        source_->name(), entry.offset, entry.frame.value(), ref.id));
  }
  auto found = dictionary_source_->Get(ref);
  if (!found.ok()) {
    return absl::Status(
        found.status().code(),
        absl::StrFormat("%s: offset %d: frame %d needs dictionary %08x: %s", source_->name(),
                        entry.offset, entry.frame.value(), ref.id, found.status().message()));
  }
  dictionary = *std::move(found);
  return dictionary.get();
}

absl::Status SegmentReader::DecodeAgainst(const DirectoryEntry& entry, const FrameHeader& header,
                                          io::ByteView previous, io::ByteView payload,
                                          io::MutableBytes page) const {
  if (page.size() != header_.page_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        source_->name(), ": expected room for ", header_.page_size, " bytes, found ", page.size()));
  }
  PageReference reference = {previous, nullptr};
  if (header.codec == Codec::kZstdDictionary) {
    STRATA_ASSIGN_OR_RETURN(reference.dictionary, DictionaryFor(entry, header.dictionary_id));
  }
  const absl::Status decoded = DecodePage(header.codec, reference, payload, page);
  if (!decoded.ok()) {
    return absl::Status(decoded.code(), absl::StrCat(source_->name(), ": offset ", entry.offset,
                                                     ": ", decoded.message()));
  }
  return CheckPage(entry, header, page);
}

absl::Status SegmentReader::CheckPage(const DirectoryEntry& entry, const FrameHeader& header,
                                      io::ByteView page) const {
  if (!header_.is_dense()) return absl::OkStatus();
  const uint32_t computed = io::Crc32c(0, page);
  if (computed == header.page_checksum) return absl::OkStatus();
  return Damaged(entry.offset, "checksum of the decoded page", header.page_checksum, computed);
}

// The frames that `entry` builds on, the nearest first, down to its keyframe, or to the one whose
// page `recent` has (then that goes to `start`).
absl::StatusOr<std::vector<DirectoryEntry>> SegmentReader::ChainBelow(
    const DirectoryEntry& entry, RecentPages* recent, std::vector<uint8_t>* start) const {
  std::vector<DirectoryEntry> chain;
  const DirectoryEntry* above = &entry;
  while (above->codec == Codec::kDelta) {
    if (chain.size() == kLongestChain) {
      return Damaged(entry.offset, "deltas in a chain at most", kLongestChain, kLongestChain + 1);
    }
    if (above->previous == 0) {
      return absl::DataLossError(absl::StrCat(source_->name(), ": offset ", entry.offset,
                                              ": frame ", entry.frame.value(),
                                              ": the start of its chain is missing: frame ",
                                              above->frame.value(), " has no previous version"));
    }
    const uint64_t ordinal = above->previous - 1;
    const io::ByteView known =
        recent == nullptr ? io::ByteView() : recent->Find(entry.page, ordinal);
    if (!known.empty()) {
      start->assign(known.begin(), known.end());
      return chain;
    }
    STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> below, ReadDirectory(ordinal, 1));
    if (below.front().page != entry.page || below.front().frame >= above->frame) {
      return Damaged(above->offset, "previous version of page", entry.page.value(),
                     below.front().page.value());
    }
    chain.push_back(below.front());
    above = &chain.back();
  }
  return chain;
}

// Fills `previous` with the plain page that the delta `entry` builds on.
absl::Status SegmentReader::DecodeChain(const DirectoryEntry& entry, RecentPages* recent,
                                        std::vector<uint8_t>* previous) const {
  STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> chain,
                          ChainBelow(entry, recent, previous));
  std::vector<uint8_t> payload;
  std::vector<uint8_t> page(header_.page_size);
  for (size_t i = chain.size(); i-- > 0;) {
    STRATA_ASSIGN_OR_RETURN(const FrameHeader header, ReadStoredFrame(chain[i], &payload));
    STRATA_RETURN_IF_ERROR(
        DecodeAgainst(chain[i], header, *previous, payload, absl::MakeSpan(page)));
    previous->resize(page.size());
    previous->swap(page);
  }
  return absl::OkStatus();
}

}  // namespace strata::segment
