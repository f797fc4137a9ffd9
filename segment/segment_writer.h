#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "segment/commit_table.h"
#include "segment/delta_chains.h"
#include "segment/frame.h"
#include "segment/frame_codec.h"
#include "segment/segment_header.h"
#include "segment/segment_tail.h"

// Streams a whole segment, header to footer, into a sink. Format: docs/segment_format.md.
namespace strata::segment {

struct SegmentWriterOptions {
  PageEncoding encoding;        // a page that does not shrink is stored raw
  uint32_t longest_chain = 0;   // of deltas, in sealed segments; 0: none. At most kLongestChain
  PlainFrameReader read_frame;  // with deltas: asked for frames that AddFrame was given before
  std::function<void(io::ByteView)> on_keyframe;  // plain pages stored alone; may be empty
};

// Writes the dense layout. What only means something in a live log is not stored; commits are what
// AddCommit says. One thread at a time; memory: the tail's (segment_tail.h), that of DeltaChains
// and 256 KiB. The sink must outlive the writer.
class SegmentWriter {
 public:
  // Writes the header. header.state is kSealed (frames in frame order) or kCompacted (frames in
  // page order, one version per page); epoch and frame range must be set, InvalidArgument
  // otherwise.
  static absl::StatusOr<std::unique_ptr<SegmentWriter>> Create(io::ByteSink* sink,
                                                               const SegmentHeader& header,
                                                               const SegmentWriterOptions& options);

  // Appends a frame: `header` as in the log (kind, is_commit, frame and page; codec, lengths and
  // checksums are set here) and its plain page. InvalidArgument when out of order or of the wrong
  // size. Errors of options.read_frame.
  absl::Status AddFrame(const FrameHeader& header, io::ByteView page);

  // Appends a frame whose payload is already encoded as `header` says (codec, dictionary,
  // stored_length, page_checksum), as ReadStoredFrame or EncodePage gave it. `page_hash` is
  // PageHash of the plain page. InvalidArgument also for a delta, which only means something in
  // its segment, and for another dictionary than the options'.
  absl::Status AddEncodedFrame(const FrameHeader& header, io::ByteView payload, uint64_t page_hash);

  // Appends an entry of the commit table, ascending, at any time before Finish.
  absl::Status AddCommit(const CommitEntry& commit);

  // Writes tail and footer. The result says what was written (and its CRC-32C over all bytes, for
  // io::ObjectWriter::Commit).
  struct Summary {
    uint64_t bytes = 0;
    uint64_t frames = 0;
    uint32_t crc32c = 0;
  };
  absl::StatusOr<Summary> Finish();

 private:
  SegmentWriter(io::ByteSink* sink, const SegmentHeader& header,
                const SegmentWriterOptions& options);
  absl::Status CheckEncoded(const FrameHeader& header, io::ByteView payload) const;
  absl::Status Append(FrameHeader header, io::ByteView payload, uint64_t page_hash);
  absl::Status Write(io::ByteView bytes);
  absl::Status Flush();

  io::ByteSink* const sink_;
  const SegmentHeader header_;
  const SegmentWriterOptions options_;
  const uint32_t seed_;
  SegmentTailBuilder tail_;
  DeltaChains chains_;
  std::vector<uint8_t> buffer_;  // not yet handed to the sink
  std::vector<uint8_t> encoded_;
  Summary summary_;
};

}  // namespace strata::segment
