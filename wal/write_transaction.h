#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "wal/appender.h"

namespace strata::wal {

// The frames of a transaction that is being written: spilled ones are in the log already, known to
// the writer alone, and may be overwritten until the commit. One thread at a time, with the write
// lock held.
class WriteTransaction {
 public:
  explicit WriteTransaction(Appender* appender) : appender_(*appender) {}

  void Begin(const CommitPoint& from);
  bool begun() const { return begun_; }

  // The frame that holds this transaction's version of a page; 0: none.
  segment::FrameNo Find(segment::PageNo page) const;

  absl::Status Spill(absl::Span<const PageRef> pages);

  // Ends the transaction. The last page always gets a new frame, so that the commit mark ends up on
  // the last one.
  absl::Status Commit(absl::Span<const PageRef> pages, uint32_t database_pages,
                      Durability durability);

  // Back to the first `frames` frames.
  void TruncateTo(uint64_t frames);
  // To the start; returns the page of each frame.
  std::vector<segment::PageNo> TakeBack();
  void End();

  // Page of each frame, in order; after a commit those of its own too.
  absl::Span<const segment::PageNo> pages() const { return pages_; }
  segment::FrameNo last() const { return segment::FrameNo(before_.value() + pages_.size()); }

 private:
  absl::Status Prepare();
  absl::StatusOr<std::vector<PageRef>> OverwriteKnown(absl::Span<const PageRef> pages);
  void Note(absl::Span<const PageRef> pages);
  void Forget(uint64_t frames);

  Appender& appender_;
  bool begun_ = false;
  bool prepared_ = false;
  bool committed_ = false;
  segment::FrameNo before_;  // the last frame before the transaction
  std::vector<segment::PageNo> pages_;
  // Not a map of Abseil: those do not survive a lack of memory.
  std::unordered_map<uint32_t, segment::FrameNo> frames_;
};

}  // namespace strata::wal
