#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compactor/segment_chain.h"
#include "io/bytes.h"
#include "segment/frame.h"
#include "segment/page_union.h"

namespace strata::compactor {

// A page version as it was read: verified, decoded, and equal to what its index promised.
struct FetchedPage {
  size_t position = 0;  // in the list of winners
  size_t source = 0;    // in the chain
  segment::FrameHeader header;
  io::ByteView payload;  // as stored
  io::ByteView page;     // plain
  uint64_t page_hash = 0;
};

// Gets neighbours of one segment, in the order in which it stores them. Called from several threads
// at once; the views are valid during the call.
using PagesUser = std::function<absl::Status(absl::Span<const FetchedPage>)>;

// Reads the versions that `winners` name from the chain's segments, in the order in which they are
// stored and from up to `threads` threads, each with one read of up to 1 MiB at a time. Stops at
// the first error. DataLoss when a page is not the one, or has not the hash, that the index says.
// Memory: about 3 MiB a thread, and 16 bytes a winner.
absl::Status FetchPages(const SegmentChain& chain, absl::Span<const segment::UnionEntry> winners,
                        size_t threads, const PagesUser& use);

// Threads that suit this machine: its cores, at most 8.
size_t DefaultThreads();

// Threads that suit a store: enough that a distant one is not waited for.
size_t FetchThreads(const io::ObjectStore& store);

}  // namespace strata::compactor
