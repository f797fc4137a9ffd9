#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "segment/frame.h"
#include "wal/current_segment.h"
#include "wal/log_files.h"

namespace strata::wal {

// The record of a frame, header and page as they were meant to be on disk.
using RecordSource = std::function<absl::StatusOr<std::vector<uint8_t>>(segment::FrameNo)>;

// That of the files of a log. The list is not kept.
RecordSource SourceIn(const LogFiles::List& files);

// The bytes of a page, as they are to be written.
using PageSource = std::function<absl::Status(segment::PageNo, io::MutableBytes)>;

// Appends one transaction to `to`: `pages`, of which one may come several times, numbered from
// `first`. Memory: one batch of frames.
absl::Status WritePages(const PageSource& source, segment::FrameNo first,
                        absl::Span<const segment::PageNo> pages, const CommitMark& mark,
                        CurrentSegment* to);

// Appends frames [first, last] to `to`, with the seed of that file. Transactions that end in the
// range end in `to`; frames behind the last commit become its open transaction. Memory: one batch
// of frames.
absl::Status RewriteFrames(const RecordSource& source, segment::FrameNo first,
                           segment::FrameNo last, CurrentSegment* to);

// The last commit of `segment` whose record ends at or before `offset`; the frame before its first
// when none.
absl::StatusOr<segment::FrameNo> LastCommitBelow(const CurrentSegment& segment, uint64_t offset);

}  // namespace strata::wal
