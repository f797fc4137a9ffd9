#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/byte_stream.h"
#include "io/mutex.h"
#include "segment/commit_table.h"
#include "segment/dictionary.h"
#include "segment/frame.h"
#include "segment/page_index.h"
#include "segment/recent_pages.h"
#include "segment/segment_header.h"
#include "segment/segment_tail.h"

// Reads sealed and compacted segments, from a local file or a store. Format:
// docs/segment_format.md. Every byte that is returned was covered by a checksum that was verified;
// lengths are checked against the segment's size before anything is allocated.
namespace strata::segment {

// Safe to call from any thread once opened.
class SegmentReader {
 public:
  // Reads header, footer and commit table; the index's directory, and all of a small index, at
  // first use. DataLoss: damage (the message names source and offset). FailedPrecondition: no
  // footer at all, so a current segment. Unimplemented: a later format.
  // `dictionaries` is asked when a frame that needs one is read; it may be null, and outlives the
  // reader.
  static absl::StatusOr<std::unique_ptr<SegmentReader>> Open(
      std::shared_ptr<io::ByteSource> source,
      std::shared_ptr<DictionarySource> dictionaries = nullptr);

  const SegmentHeader& header() const { return header_; }
  const Footer& footer() const { return footer_; }
  const std::vector<CommitEntry>& commits() const { return commits_; }
  const io::ByteSource& source() const { return *source_; }

  // Ordinal of the newest version of a page in this segment; nullopt: not in it.
  absl::StatusOr<std::optional<uint32_t>> FindPage(PageNo page) const;

  // Index entries in page order, streamed in blocks; the reader must outlive the iterator.
  absl::StatusOr<std::unique_ptr<PageIndexIterator>> NewIndexIterator() const;

  // Entries [first, first + count) of the frame directory, cut at the end.
  absl::StatusOr<std::vector<DirectoryEntry>> ReadDirectory(uint64_t first, uint64_t count) const;

  // The frame with that ordinal, verified and decoded; `page` must have page_size bytes. Of a
  // delta its chain is decoded, from its keyframe on. DataLoss also when a dictionary is missing or
  // another one; Unimplemented without a source of dictionaries. The message names it.
  absl::StatusOr<FrameHeader> ReadFrame(uint64_t ordinal, io::MutableBytes page) const;
  absl::StatusOr<FrameHeader> ReadFrame(const DirectoryEntry& entry, io::MutableBytes page) const;

  // The same for who reads frames in order: what `recent` has of a chain is not decoded again, and
  // the page is put there.
  absl::StatusOr<FrameHeader> ReadFrame(uint64_t ordinal, const DirectoryEntry& entry,
                                        RecentPages* recent, io::MutableBytes page) const;

  // The frame's payload as it is stored, verified: for copying without decompressing.
  absl::StatusOr<FrameHeader> ReadStoredFrame(const DirectoryEntry& entry,
                                              std::vector<uint8_t>* payload) const;

  // The plain page of a frame that ReadStoredFrame gave.
  absl::Status DecodeFrame(const DirectoryEntry& entry, const FrameHeader& header,
                           io::ByteView payload, io::MutableBytes page) const;

  // For who reads many records at once: bytes from `offset` on, unverified; the length of a record,
  // which begins at its entry's offset; what ReadStoredFrame says of a record's bytes, with the
  // payload as a part of them; and the plain page, which is the payload itself when that is raw,
  // and else put into `room` (page_size bytes).
  absl::Status ReadRecords(uint64_t offset, io::MutableBytes out) const {
    return source_->ReadAt(offset, out);
  }
  uint64_t RecordBytes(const DirectoryEntry& entry) const;
  absl::StatusOr<FrameHeader> ParseRecord(const DirectoryEntry& entry, io::ByteView record,
                                          io::ByteView* payload) const;
  absl::StatusOr<io::ByteView> PlainPage(const DirectoryEntry& entry, const FrameHeader& header,
                                         io::ByteView payload, io::MutableBytes room) const;

  // Reads everything: all checksums, directory against records, index against directory, page
  // hashes and the footer's checksums over the whole. Memory: a few MiB, and 20 bytes a frame
  // unless it is compacted.
  absl::Status VerifyAll() const;

 private:
  friend class SegmentVerifier;
  SegmentReader(std::shared_ptr<io::ByteSource> source,
                std::shared_ptr<DictionarySource> dictionaries)
      : source_(std::move(source)), dictionary_source_(std::move(dictionaries)) {}
  absl::Status ReadHeaderAndFooter();
  absl::Status ReadCommits();
  absl::StatusOr<const PageIndex*> Index() const;
  absl::Status CheckEntry(const DirectoryEntry& entry, uint64_t ordinal) const;
  absl::Status CheckPlace(const DirectoryEntry& entry) const;
  absl::StatusOr<FrameHeader> ParseDenseRecord(const DirectoryEntry& entry, io::ByteView record,
                                               io::ByteView* payload) const;
  absl::Status CheckPage(const DirectoryEntry& entry, const FrameHeader& header,
                         io::ByteView page) const;
  absl::StatusOr<FrameHeader> DescribeFrame(const DirectoryEntry& entry) const;
  absl::Status DecodeAgainst(const DirectoryEntry& entry, const FrameHeader& header,
                             io::ByteView previous, io::ByteView payload,
                             io::MutableBytes page) const;
  absl::StatusOr<std::vector<DirectoryEntry>> ChainBelow(const DirectoryEntry& entry,
                                                         RecentPages* recent,
                                                         std::vector<uint8_t>* start) const;
  absl::Status DecodeChain(const DirectoryEntry& entry, RecentPages* recent,
                           std::vector<uint8_t>* previous) const;
  absl::StatusOr<const Dictionary*> DictionaryFor(const DirectoryEntry& entry,
                                                  uint32_t dictionary_id) const;
  absl::StatusOr<io::ByteView> DirectoryBlock(uint64_t number, size_t length,
                                              uint8_t* scratch) const;
  absl::Status CheckSame(const DirectoryEntry& entry, const FrameHeader& header) const;
  absl::Status Damaged(uint64_t offset, absl::string_view what, uint64_t expected,
                       uint64_t found) const;

  const std::shared_ptr<io::ByteSource> source_;
  const std::shared_ptr<DictionarySource> dictionary_source_;
  SegmentHeader header_;
  Footer footer_;
  uint32_t seed_ = 0;
  std::vector<CommitEntry> commits_;
  mutable io::Mutex index_mutex_;
  mutable std::unique_ptr<PageIndex> index_ ABSL_GUARDED_BY(index_mutex_);  // once needed
  mutable io::Mutex dictionary_mutex_;
  mutable std::array<std::shared_ptr<const Dictionary>, kDictionarySlots> dictionaries_
      ABSL_GUARDED_BY(dictionary_mutex_);  // once needed
};

}  // namespace strata::segment
