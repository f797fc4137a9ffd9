#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "io/bytes.h"

namespace strata::wal {

// The bytes of a log file that no sync has covered: a failed sync has them written again elsewhere.
// The last of them may not be in the file yet. Parts are numbered from 0, in the order in which
// they were added. Not safe for threads; a part's bytes stay as they are, and live as long as a
// copy of the part.
class UnsyncedRecords {
 public:
  struct Part {
    uint64_t offset = 0;  // in the file
    size_t size = 0;      // bytes
    std::shared_ptr<uint8_t[]> bytes;
    uint64_t number = 0;  // set by Add

    uint64_t end() const { return offset + size; }
    io::ByteView view() const { return {bytes.get(), size}; }
  };
  // So many need no memory of their own, which a sync must not need.
  static constexpr size_t kMostAtOnce = 64;
  using Parts = absl::InlinedVector<Part, kMostAtOnce>;

  static Part NewPart(uint64_t offset, size_t size);

  // Bytes that are not in the file yet.
  void Add(Part part);
  void TakeBackLast();
  uint64_t added() const { return added_; }

  // What is not in the file yet, of the parts below the number `below`: the first ones that follow
  // each other there, at most kMostAtOnce.
  Parts Unwritten(uint64_t below) const;
  // Those below are in the file.
  void NoteWritten(uint64_t below);
  uint64_t written() const { return written_; }
  uint64_t unwritten_bytes() const { return unwritten_bytes_; }

  // A sync has covered those below, or nothing is owed for them any more.
  void NoteSynced(uint64_t below);
  bool needs_sync() const { return synced_ < added_; }
  // Lets the copies of what is in the file go; it is owed a sync all the same.
  void DropWritten();
  // Owes a sync for what is in the file from `offset` on, of which there is no copy.
  void OweFrom(uint64_t offset);

  uint64_t kept_bytes() const { return kept_bytes_; }
  // Lowest offset that no sync has covered, or UINT64_MAX.
  uint64_t LowestOffset() const;
  // The newest copy of these bytes, or nullptr. Looks at the last `parts`, and at all that are not
  // in the file yet.
  const uint8_t* Find(uint64_t offset, size_t size, size_t parts) const;

 private:
  void Drop(uint64_t below);

  std::deque<Part> parts_;
  uint64_t added_ = 0;
  uint64_t written_ = 0;
  uint64_t synced_ = 0;
  uint64_t first_kept_ = 0;  // number of the first of parts_
  uint64_t kept_bytes_ = 0;
  uint64_t unwritten_bytes_ = 0;
  uint64_t dropped_from_ = UINT64_MAX;  // lowest offset of a part that no sync covered
};

}  // namespace strata::wal
