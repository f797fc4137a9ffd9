#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/ids.h"

// The records that follow a segment's header. Format: docs/segment_format.md, "Records"; written
// here and in segment/frame.cc, tested in tests/segment/frame_test.cc.
//
// A record is a header of 64 bytes and a payload. Its CRC-32C covers salt and log id of its file
// (as a seed), the header and the payload, so that each record verifies alone and a record of
// another file, or of an earlier life of a recycled file, does not. Records of a live log start at
// multiples of 64 bytes.
namespace strata::segment {

constexpr uint32_t kRecordHeaderSize = 64;
constexpr uint32_t kRecordAlignment = 64;  // in live logs
constexpr uint32_t kMarkPayloadSize = 64;

// Byte kRecordMagicAt of every record header.
constexpr uint8_t kRecordMagic = 0x5A;
constexpr size_t kRecordMagicAt = 7;

enum class RecordKind : uint8_t {
  kFrame = 1,    // a page version
  kMark = 2,     // what is known durable, checkpointed, sealed and shipped; payload: MarkRecord
  kPadding = 3,  // fills up to a block boundary after a sync; payload: zeros
};

// How a frame's payload is stored. kColumnar is reserved in version 1.
enum class Codec : uint8_t { kRaw = 0, kZstd = 1, kZstdDictionary = 2, kDelta = 3, kColumnar = 4 };

struct FrameHeader {
  RecordKind kind = RecordKind::kFrame;
  bool is_commit = false;
  Codec codec = Codec::kRaw;
  FrameNo frame;               // of a mark or padding: the last frame before it
  PageNo page;                 // 0 unless kind is kFrame
  uint32_t stored_length = 0;  // payload bytes
  uint32_t dictionary_id = 0;  // 0: none
  uint32_t checksum = 0;       // as read, or as computed by EncodeRecordHeader
  uint32_t page_checksum = 0;  // CRC-32C of the plain page; dense records only

  // Of a commit; zero otherwise.
  uint32_t database_pages = 0;  // size of the database after it
  uint32_t transaction_checksum =
      0;                       // CRC-32C over the checksums of the frames before it, see below
  int64_t commit_time_us = 0;  // microseconds since 1970, monotone within a log id
  FrameNo transaction_first;   // first frame of the transaction

  // Highest frame known durable when the record was written (commits and marks; zero otherwise).
  FrameNo durable;
};

// Binds records to one life of one file.
uint32_t RecordSeed(uint64_t salt, const LogId& log_id);

// Writes the 64 header bytes for `header` and `payload` (stored_length must equal its size) and
// returns the checksum that it stored in them.
uint32_t EncodeRecordHeader(const FrameHeader& header, io::ByteView payload, uint32_t seed,
                            uint8_t* to);

// Reads the header's fields without verifying the checksum. OutOfRange when they cannot be a record
// (unknown kind, flags that must be zero, length over kMaxPageSize): cheap enough to scan with.
absl::StatusOr<FrameHeader> DecodeRecordHeader(const uint8_t* from);

// True when `from` (64 bytes) and `payload` carry the right checksum for `seed`.
bool RecordIsIntact(const uint8_t* from, io::ByteView payload, uint32_t seed);

// The checksum a commit carries: folded over the checksums of the transaction's other frames in
// order, starting from 0. A stale frame of a rolled-back transaction in the place of a lost one
// breaks it.
uint32_t FoldTransactionChecksum(uint32_t folded, uint32_t frame_checksum);

// Payload of a mark.
struct MarkRecord {
  FrameNo checkpointed;         // everything up to here is durable in the database file
  FrameNo sealed;               // last frame of the newest sealed segment
  uint64_t sealed_digest = 0;   // digest at `sealed`; 0 without a store
  FrameNo shipped;              // everything up to here is in the store
  uint32_t database_pages = 0;  // size of the database at `checkpointed`
  int64_t commit_time_us = 0;   // of the commit `checkpointed`
};
void EncodeMark(const MarkRecord& mark, uint8_t* to);  // kMarkPayloadSize bytes
MarkRecord DecodeMark(const uint8_t* from);

}  // namespace strata::segment
