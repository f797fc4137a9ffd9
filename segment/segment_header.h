#pragma once

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/dictionary.h"
#include "segment/ids.h"

// The first 4,096 bytes of every segment, written once. Format: docs/segment_format.md, "Header".
namespace strata::segment {

constexpr uint32_t kSegmentHeaderSize = 4096;
constexpr uint32_t kFormatVersion = 1;
constexpr uint64_t kSegmentMagic = 0x3147455341525453;  // "STRASEG1", little-endian

// Must-know flag of segments with dense records and a dense frame directory.
constexpr uint32_t kDenseLayout = 1;

// Dictionaries that one segment can name.
constexpr size_t kDictionarySlots = 4;

enum class SegmentState : uint8_t { kCurrent = 1, kSealed = 2, kCompacted = 3 };

enum class DigestKind : uint8_t { kNone = 0, kXorXxh3 = 1 };

struct SegmentHeader {
  SegmentState state =
      SegmentState::kCurrent;  // as created: a local file stays kCurrent when sealed in place
  uint32_t page_size = 0;
  LogId log_id;
  LogId parent_log_id;  // none, or the history this one branched or was cut from
  FrameNo parent_frame;
  uint64_t sequence = 0;  // of the file within its log directory; 0 in stored segments
  uint64_t salt = 0;
  int64_t created_us = 0;  // microseconds since 1970
  uint32_t codecs = 1;     // bit (1 << Codec) for each codec that may occur
  std::array<DictionaryRef, kDictionarySlots> dictionaries{};
  DigestKind digest_kind = DigestKind::kNone;
  uint64_t digest_key_id = 0;
  uint64_t encryption_key_id = 0;  // 0: plain
  uint8_t nonce_length = 0;        // bytes per frame, with encryption
  uint8_t tag_length = 0;
  uint32_t may_ignore_flags = 0;
  uint32_t must_know_flags = 0;  // a reader refuses a bit it does not know

  // Stored segments only; zero in a local log.
  Epoch epoch;
  FrameNo first_frame;
  FrameNo last_frame;
  uint8_t level = 0;  // 0: as sealed; higher: compacted

  bool is_dense() const { return (must_know_flags & kDenseLayout) != 0; }
};

void EncodeSegmentHeader(const SegmentHeader& header, uint8_t* to);  // kSegmentHeaderSize bytes

// DataLoss: wrong magic or checksum. Unimplemented: a version or must-know flag of a later release.
// InvalidArgument: intact but impossible (page size).
absl::StatusOr<SegmentHeader> DecodeSegmentHeader(io::ByteView bytes);

}  // namespace strata::segment
