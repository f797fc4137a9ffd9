#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "io/file.h"
#include "segment/frame.h"
#include "segment/segment_header.h"
#include "wal/options.h"
#include "wal/stable_vector.h"
#include "wal/unsynced_records.h"

namespace strata::wal {

// A page to be written. The bytes belong to the caller.
struct PageRef {
  segment::PageNo page;
  const uint8_t* data = nullptr;
};

// What the last frame of a transaction carries.
struct CommitMark {
  uint32_t database_pages = 0;
  int64_t time_us = 0;
  segment::FrameNo durable;
};

// Through which open file a log file is synced: two syncs at once need two (io::File::OpenForSync).
enum class SyncHandle : uint8_t { kFirst, kSecond };

// When appended bytes go to the file: at once, or when the next sync begins. A commit that waits
// for a sync is seen by nobody before, and one write for all that wait is cheaper than one for
// each.
enum class Placing : uint8_t { kNow, kWithSync };

// A run of frames that follow each other without other records in between.
struct FrameRun {
  uint64_t first_frame = 0;
  uint64_t offset = 0;  // of the first one's record
};

// A file under a temporary name whose bytes were all written before, so that a sync of what is
// written over them has no space to allocate: on ext4 that is a commit of its journal less.
struct UsedFile {
  std::string path;
  uint64_t bytes = 0;
  std::vector<uint32_t> past_seeds;  // of all records that it ever held
};

// A log file: a segment without a footer, with the one open transaction at its end. Bytes are kept
// in memory from their write until their sync returned (see UnsyncedRecords).
//
// Threads: the appending calls, BeginSync and FinishSync belong to the holder of the log's append
// lock. ReadFrame, and Sync between BeginSync and FinishSync, may be called by any thread at any
// time.
class CurrentSegment {
 public:
  // A new file under a temporary name, its header written and nothing synced.
  static absl::StatusOr<std::shared_ptr<CurrentSegment>> Create(
      io::FileSystem& files, const std::string& directory, const segment::SegmentHeader& header,
      const io::Ownership& ownership);

  // A file that is there already, given a new header and nothing synced. What is left in it of its
  // earlier lives cannot be taken for records of this one: `header` carries a salt that none of
  // them had the seed of (see NewSalt).
  static absl::StatusOr<std::shared_ptr<CurrentSegment>> Reuse(io::FileSystem& files,
                                                               const std::string& directory,
                                                               const segment::SegmentHeader& header,
                                                               const UsedFile& used);

  // Makes the file durable under its own name: syncs it, renames it, syncs the directory. Before
  // the first commit that anyone waits for.
  absl::Status Publish(io::FileSystem& files, const std::string& directory);

  // A file as recovery found it, for reading: the frames of `runs`, up to `last`.
  static std::shared_ptr<CurrentSegment> Recovered(std::unique_ptr<io::File> file,
                                                   const segment::SegmentHeader& header,
                                                   const std::vector<FrameRun>& runs,
                                                   segment::FrameNo last, uint64_t end_offset);

  const segment::SegmentHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  // First frame appended, 0 while there is none; last frame of a committed transaction.
  segment::FrameNo first_frame() const {
    return segment::FrameNo(first_frame_.load(std::memory_order_acquire));
  }
  segment::FrameNo last_commit() const { return last_commit_; }
  uint64_t end_offset() const { return end_offset_; }
  // Bytes from the start of the file that had been written before records were; 0: not known.
  uint64_t written_before() const { return written_before_; }
  uint64_t file_bytes() const { return std::max(end_offset_, written_before_); }
  uint64_t unsynced_bytes() const { return unsynced_.kept_bytes(); }  // in memory
  uint64_t unwritten_bytes() const { return unsynced_.unwritten_bytes(); }
  bool needs_sync() const { return unsynced_.needs_sync(); }

  // Appends frames of the open transaction, numbered from `first`; with `commit`, the last of them
  // ends it.
  absl::Status AppendFrames(segment::FrameNo first, absl::Span<const PageRef> pages,
                            const CommitMark* commit, Placing placing = Placing::kNow);

  // Replaces a frame of the open transaction.
  absl::Status OverwriteFrame(segment::FrameNo frame, const PageRef& page);

  // Forgets the open transaction's frames after `last`; all of them when it is below its first.
  void Abandon(segment::FrameNo last);

  // Between transactions only.
  absl::Status AppendMark(segment::FrameNo last, segment::FrameNo durable,
                          const segment::MarkRecord& mark);
  // Fills the last 4 KiB block up, also within a transaction.
  absl::Status PadToBlock(Placing placing = Placing::kNow);

  // What is not in the file yet. Without a sync it stays so: an error leaves everything as it was.
  absl::Status WriteUnwritten();

  // What another process appended: transactions up to the commit `last`, whose records end at
  // `end_offset`, where `runs` says.
  void Follow(const std::vector<FrameRun>& runs, segment::FrameNo last, uint64_t end_offset);
  // Before appending again after it was let go, from `end_offset` on: no sync, of other processes
  // where `others_wrote`, covers the frames above `synced`.
  void Resume(uint64_t end_offset, segment::FrameNo synced, bool others_wrote);
  // Its first `bytes` bytes have been written, whatever they are.
  void NoteWrittenBefore(uint64_t bytes) { written_before_ = std::max(written_before_, bytes); }

  // For reading records in order.
  io::File& file() const { return *file_; }
  uint32_t seed() const { return seed_; }

  // Verified bytes of a committed frame; DataLoss names file and offset. `page` has page_size
  // bytes.
  absl::StatusOr<segment::FrameHeader> ReadFrame(segment::FrameNo frame,
                                                 io::MutableBytes page) const;
  // The same for a frame of the open transaction; only for the writer.
  absl::StatusOr<segment::FrameHeader> ReadOpenFrame(segment::FrameNo frame,
                                                     io::MutableBytes page) const;

  // The same for a frame of which there is a copy in memory; NotFound: there is none, or it is not
  // among the newest, and the frame is in the file. For the holder of the append lock.
  absl::StatusOr<segment::FrameHeader> ReadKept(segment::FrameNo frame,
                                                io::MutableBytes page) const;

  // Sync in steps, so that the lock is held neither during Write nor during Sync. What Unwritten
  // says, Write writes, until there is no more. Two syncs may be under way at once, one through
  // each handle; the second handle must have been opened.
  uint64_t BeginSync() const { return unsynced_.added(); }
  UnsyncedRecords::Parts Unwritten(uint64_t begun) const { return unsynced_.Unwritten(begun); }
  absl::Status Write(const UnsyncedRecords::Parts& parts);
  // Idempotent: who appends may have written them too.
  void NoteWritten(const UnsyncedRecords::Parts& parts) {
    unsynced_.NoteWritten(parts.back().number + 1);
  }
  absl::Status Sync(SyncHandle handle = SyncHandle::kFirst) {
    return (handle == SyncHandle::kFirst ? file_ : second_handle_)->Sync();
  }
  // Idempotent. For the holder of the append lock.
  absl::Status OpenSecondHandle();
  void FinishSync(uint64_t begun) { unsynced_.NoteSynced(begun); }

  // Gives up the copies in memory without a sync (synchronous=OFF beyond the limit). A later sync
  // is owed all the same.
  void DropUnsyncedCopies() { unsynced_.DropWritten(); }

  // Owes nothing any more: what matters is elsewhere, or another process's to sync.
  void GiveUp();
  // The same after a failed sync; another sync of it that is still under way may end as it likes.
  void MoveAway();
  bool moved_away() const { return moved_away_; }

  // What Reuse needs when nobody reads from this file any more; nullopt when it must not be used
  // again: a sync of it failed, or another process wrote it and may have seen one fail.
  std::optional<UsedFile> Used(const std::string& set_aside_as) const;

  // After a failed sync: where the range that may be damaged begins (its first 4 KiB block), and
  // the record bytes as they were meant, unsynced ones from memory. Calls belong to the holder of
  // the append lock.
  uint64_t FirstDoubtfulByte() const;
  absl::StatusOr<std::vector<uint8_t>> IntendedRecord(segment::FrameNo frame) const;
  uint64_t OffsetOf(segment::FrameNo frame) const;

  uint32_t record_bytes() const { return segment::kRecordHeaderSize + header_.page_size; }

  // The open transaction: its first frame (0: none) and how many it has.
  segment::FrameNo open_first() const { return open_first_; }
  uint64_t open_frames() const { return open_checksums_.size(); }

 private:
  CurrentSegment(std::unique_ptr<io::File> file, std::string path,
                 const segment::SegmentHeader& header);

  static absl::StatusOr<std::shared_ptr<CurrentSegment>> Begin(
      std::unique_ptr<io::File> file, std::string path, const segment::SegmentHeader& header);
  absl::Status AppendBatch(segment::FrameNo first, absl::Span<const PageRef> pages,
                           const CommitMark* commit, Placing placing);
  absl::Status AppendRecord(const segment::FrameHeader& header, io::ByteView payload,
                            Placing placing);
  uint32_t EncodeFrame(segment::FrameNo frame, const PageRef& page, const CommitMark* commit,
                       uint8_t* to) const;
  void NoteFrames(segment::FrameNo first);
  void CloseTransaction(segment::FrameNo last);
  absl::Status Place(UnsyncedRecords::Part part, Placing placing);
  uint64_t OffsetIn(size_t runs, segment::FrameNo frame) const;
  absl::StatusOr<segment::FrameHeader> ReadRecord(uint64_t offset, segment::FrameNo frame,
                                                  io::MutableBytes page) const;

  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::File> second_handle_;  // for syncs; nullptr until one is wanted
  const std::string path_;
  std::string unpublished_path_;  // until Publish
  const segment::SegmentHeader header_;
  const uint32_t seed_;
  std::vector<uint32_t> past_seeds_;
  uint64_t written_before_ = 0;
  bool reusable_ = false;
  bool moved_away_ = false;

  StableVector<FrameRun> runs_;
  std::atomic<size_t> committed_runs_{0};  // those that other threads may look at
  std::atomic<uint64_t> first_frame_{0};
  segment::FrameNo last_commit_;
  uint64_t end_offset_ = segment::kSegmentHeaderSize;

  segment::FrameNo open_first_;
  uint64_t open_offset_ = 0;  // where the open transaction's first record starts
  std::vector<uint32_t> open_checksums_;

  UnsyncedRecords unsynced_;
};

// A salt whose seed none of `past_seeds` equals: no record of an earlier life verifies under it.
uint64_t NewSalt(uint64_t random, const segment::LogId& log_id,
                 const std::vector<uint32_t>& past_seeds);

// Of a name that is not final yet.
inline constexpr char kTemporarySuffix[] = ".tmp";

// "0000000007.log"; 0 when the name is none.
std::string SegmentFileName(uint64_t sequence);
uint64_t ParseSegmentFileName(const std::string& name);

}  // namespace strata::wal
