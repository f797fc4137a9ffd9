#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/bytes.h"
#include "segment/ids.h"

// The names of objects in a store, and the claim that precedes the segments of an epoch. Format:
// docs/store_layout.md; tested in tests/compactor/store_layout_test.cc. Listing:
// segment/store_listing.h.
namespace strata::segment {

// A namespace is [A-Za-z0-9][A-Za-z0-9._-]{0,127}, so that it is one harmless component of a key.
// InvalidArgument otherwise; the message shows at most the first 128 bytes, escaped.
absl::Status CheckNamespaceName(absl::string_view name);

constexpr Epoch kMaxEpoch = Epoch(9'999'999'999);  // what the ten digits of a segment's key can say
constexpr uint8_t kMaxLevel = 99;                  // two digits
constexpr uint8_t kSealedLevel = 0;
constexpr uint8_t kBaseLevel =
    1;  // [1..P] of an adopted database, and the first level of compaction

// What a segment's key says. Ordered like the keys: first, last, epoch, level within one log id.
struct SegmentKey {
  LogId log_id;
  FrameNo first;
  FrameNo last;
  Epoch epoch;
  uint8_t level = kSealedLevel;

  uint64_t frames() const { return last.value() - first.value() + 1; }
  friend auto operator<=>(const SegmentKey&, const SegmentKey&) = default;
};

// `<ns>/segments/<log id>/<first, 20 digits>-<last, 20 digits>-<epoch, 10 digits>-<level, 2
// digits>.seg`. The fields must be in range (1 <= first <= last, 1 <= epoch <= kMaxEpoch, level <=
// kMaxLevel).
std::string BuildSegmentKey(absl::string_view ns, const SegmentKey& key);

// The inverse, and nothing else: any other spelling is InvalidArgument that names the object.
absl::StatusOr<SegmentKey> ParseSegmentKey(absl::string_view ns, absl::string_view object);

// True when the fields are in the ranges above and there is a log id.
bool IsPossibleKey(const SegmentKey& key);

// `<ns>/segments/<log id>/`
std::string SegmentPrefix(absl::string_view ns, const LogId& log_id);

// `<ns>/epochs/<epoch, 20 digits>`
std::string BuildEpochKey(absl::string_view ns, Epoch epoch);
absl::StatusOr<Epoch> ParseEpochKey(absl::string_view ns, absl::string_view object);
std::string EpochPrefix(absl::string_view ns);

// `<ns>/manifests/<number, 20 digits>`: a change (segment/manifest.h), from 1.
std::string BuildManifestKey(absl::string_view ns, uint64_t number);
absl::StatusOr<uint64_t> ParseManifestKey(absl::string_view ns, absl::string_view object);
std::string ManifestPrefix(absl::string_view ns);

// `<ns>/manifests/hint`
std::string BuildHintKey(absl::string_view ns);

// `<ns>/parts/<from, 20 digits>-<to, 20 digits>-<nonce, 16 hex digits>`
struct PartName {
  uint64_t from = 0;
  uint64_t to = 0;
  uint64_t nonce = 0;

  friend auto operator<=>(const PartName&, const PartName&) = default;
};
std::string BuildPartKey(absl::string_view ns, const PartName& name);
absl::StatusOr<PartName> ParsePartKey(absl::string_view ns, absl::string_view object);
std::string PartPrefix(absl::string_view ns);

// A writer's claim to a namespace, made by put-if-absent before its first segment. Epochs rise over
// the whole namespace, also from one log id to the next: in order they are its history, and the log
// id of the newest is the live one. A segment of epoch e counts only below `first_frame` of the
// next epoch of the same log id.
struct EpochClaim {
  LogId log_id;
  LogId parent_log_id;  // none, or the history that this one was cut from
  FrameNo parent_frame;
  Epoch epoch;
  FrameNo first_frame;  // the first one that this writer ships
  uint32_t page_size = 0;
  uint64_t writer_nonce = 0;  // random: whose claim it is
  int64_t created_us = 0;     // microseconds since 1970

  friend bool operator==(const EpochClaim&, const EpochClaim&) = default;
};

constexpr size_t kEpochClaimSize = 128;  // bytes

std::vector<uint8_t> EncodeEpochClaim(const EpochClaim& claim);

// DataLoss: wrong length, magic or checksum. Unimplemented: a later version. InvalidArgument:
// intact but impossible (page size, epoch, log id, first frame). `object` is for the message.
absl::StatusOr<EpochClaim> DecodeEpochClaim(absl::string_view object, io::ByteView bytes);

}  // namespace strata::segment
