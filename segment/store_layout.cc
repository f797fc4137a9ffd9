#include "segment/store_layout.h"

#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::segment {
namespace {

constexpr size_t kMaxNamespaceLength = 128;
constexpr uint64_t kClaimMagic = 0x3143504541525453;  // "STRAEPC1", little-endian
constexpr uint32_t kClaimVersion = 1;

// Offsets of the claim's fields; those not named are zero.
constexpr size_t kClaimVersionAt = 8;
constexpr size_t kClaimPageSizeAt = 12;
constexpr size_t kClaimLogIdAt = 16;
constexpr size_t kClaimParentLogIdAt = 32;
constexpr size_t kClaimParentFrameAt = 48;
constexpr size_t kClaimEpochAt = 56;
constexpr size_t kClaimFirstFrameAt = 64;
constexpr size_t kClaimNonceAt = 72;
constexpr size_t kClaimCreatedAt = 80;
constexpr size_t kClaimReservedAt = 88;
constexpr size_t kClaimChecksumAt = 124;

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

std::string Shown(absl::string_view text) {
  return absl::CHexEscape(text.substr(0, kMaxNamespaceLength));
}

absl::Status NotAKey(absl::string_view object, absl::string_view kind) {
  return absl::InvalidArgumentError(absl::StrCat(
      "object \"", absl::CHexEscape(object.substr(0, 512)), "\" is not the key of ", kind));
}

// Takes exactly `digits` decimal digits off the front; nullopt when they are not there or overflow.
std::optional<uint64_t> TakeNumber(absl::string_view* text, size_t digits) {
  if (text->size() < digits) return std::nullopt;
  uint64_t value = 0;
  for (char c : text->substr(0, digits)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  text->remove_prefix(digits);
  return value;
}

std::optional<SegmentKey> ParseSegmentName(absl::string_view name) {
  SegmentKey key;
  std::optional<uint64_t> first = TakeNumber(&name, 20);
  if (!first || !absl::ConsumePrefix(&name, "-")) return std::nullopt;
  std::optional<uint64_t> last = TakeNumber(&name, 20);
  if (!last || !absl::ConsumePrefix(&name, "-")) return std::nullopt;
  std::optional<uint64_t> epoch = TakeNumber(&name, 10);
  if (!epoch || !absl::ConsumePrefix(&name, "-")) return std::nullopt;
  std::optional<uint64_t> level = TakeNumber(&name, 2);
  if (!level || name != ".seg") return std::nullopt;
  key.first = FrameNo(*first);
  key.last = FrameNo(*last);
  key.epoch = Epoch(*epoch);
  key.level = static_cast<uint8_t>(*level);
  return key;
}

template <typename T>
T Field(io::ByteView bytes, size_t at) {
  return io::LoadLittleEndian<T>(bytes.data() + at);
}

absl::Status CheckClaim(absl::string_view object, const EpochClaim& claim) {
  if (!IsValidPageSize(claim.page_size) || claim.log_id.is_none() || claim.epoch.value() < 1 ||
      claim.epoch > kMaxEpoch || claim.first_frame.value() < 1) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: an impossible epoch claim: page size %d, log id %s, epoch %d, first frame %d", object,
        claim.page_size, ToString(claim.log_id), claim.epoch.value(), claim.first_frame.value()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckNamespaceName(absl::string_view name) {
  bool good = !name.empty() && name.size() <= kMaxNamespaceLength &&
              absl::ascii_isalnum(static_cast<unsigned char>(name[0]));
  for (char c : name) good = good && IsNameByte(c);
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("namespace \"", Shown(name),
                   "\": expected 1 to 128 of A-Z a-z 0-9 . _ - with a letter or digit first"));
}

bool IsPossibleKey(const SegmentKey& key) {
  return !key.log_id.is_none() && key.first.value() >= 1 && key.first <= key.last &&
         key.last.value() < UINT64_MAX && key.epoch.value() >= 1 && key.epoch <= kMaxEpoch &&
         key.level <= kMaxLevel;
}

std::string SegmentPrefix(absl::string_view ns, const LogId& log_id) {
  return absl::StrCat(ns, "/segments/", ToString(log_id), "/");
}

std::string BuildSegmentKey(absl::string_view ns, const SegmentKey& key) {
  return absl::StrFormat("%s%020u-%020u-%010u-%02u.seg", SegmentPrefix(ns, key.log_id),
                         key.first.value(), key.last.value(), key.epoch.value(), key.level);
}

absl::StatusOr<SegmentKey> ParseSegmentKey(absl::string_view ns, absl::string_view object) {
  absl::string_view rest = object;
  if (!absl::ConsumePrefix(&rest, ns) || !absl::ConsumePrefix(&rest, "/segments/")) {
    return NotAKey(object, "a segment");
  }
  size_t slash = rest.find('/');
  if (slash == absl::string_view::npos) return NotAKey(object, "a segment");
  absl::StatusOr<LogId> log_id = ParseLogId(std::string(rest.substr(0, slash)));
  std::optional<SegmentKey> key = ParseSegmentName(rest.substr(slash + 1));
  if (!log_id.ok() || !key) return NotAKey(object, "a segment");
  key->log_id = *log_id;
  if (!IsPossibleKey(*key) || BuildSegmentKey(ns, *key) != object)
    return NotAKey(object, "a segment");
  return *key;
}

std::string EpochPrefix(absl::string_view ns) { return absl::StrCat(ns, "/epochs/"); }

std::string BuildEpochKey(absl::string_view ns, Epoch epoch) {
  return absl::StrFormat("%s%020u", EpochPrefix(ns), epoch.value());
}

absl::StatusOr<Epoch> ParseEpochKey(absl::string_view ns, absl::string_view object) {
  absl::string_view rest = object;
  if (!absl::ConsumePrefix(&rest, EpochPrefix(ns))) return NotAKey(object, "an epoch");
  std::optional<uint64_t> epoch = TakeNumber(&rest, 20);
  if (!epoch || !rest.empty() || *epoch < 1 || *epoch > kMaxEpoch.value()) {
    return NotAKey(object, "an epoch");
  }
  return Epoch(*epoch);
}

std::string ManifestPrefix(absl::string_view ns) { return absl::StrCat(ns, "/manifests/"); }

std::string BuildManifestKey(absl::string_view ns, uint64_t number) {
  return absl::StrFormat("%s%020u", ManifestPrefix(ns), number);
}

absl::StatusOr<uint64_t> ParseManifestKey(absl::string_view ns, absl::string_view object) {
  absl::string_view rest = object;
  if (!absl::ConsumePrefix(&rest, ManifestPrefix(ns))) return NotAKey(object, "a manifest");
  std::optional<uint64_t> number = TakeNumber(&rest, 20);
  if (!number || !rest.empty() || *number < 1) return NotAKey(object, "a manifest");
  return *number;
}

std::string BuildHintKey(absl::string_view ns) { return absl::StrCat(ManifestPrefix(ns), "hint"); }

std::string PartPrefix(absl::string_view ns) { return absl::StrCat(ns, "/parts/"); }

std::string BuildPartKey(absl::string_view ns, const PartName& name) {
  return absl::StrFormat("%s%020u-%020u-%016x", PartPrefix(ns), name.from, name.to, name.nonce);
}

absl::StatusOr<PartName> ParsePartKey(absl::string_view ns, absl::string_view object) {
  absl::string_view rest = object;
  if (!absl::ConsumePrefix(&rest, PartPrefix(ns))) return NotAKey(object, "a part");
  std::optional<uint64_t> from = TakeNumber(&rest, 20);
  if (!from || !absl::ConsumePrefix(&rest, "-")) return NotAKey(object, "a part");
  std::optional<uint64_t> to = TakeNumber(&rest, 20);
  PartName name;
  if (!to || !absl::ConsumePrefix(&rest, "-") || !absl::SimpleHexAtoi(rest, &name.nonce)) {
    return NotAKey(object, "a part");
  }
  name.from = *from;
  name.to = *to;
  if (name.from < 1 || name.from > name.to || BuildPartKey(ns, name) != object) {
    return NotAKey(object, "a part");
  }
  return name;
}

std::vector<uint8_t> EncodeEpochClaim(const EpochClaim& claim) {
  std::vector<uint8_t> bytes(kEpochClaimSize, 0);
  uint8_t* to = bytes.data();
  io::StoreLittleEndian<uint64_t>(to, kClaimMagic);
  io::StoreLittleEndian<uint32_t>(to + kClaimVersionAt, kClaimVersion);
  io::StoreLittleEndian<uint32_t>(to + kClaimPageSizeAt, claim.page_size);
  std::memcpy(to + kClaimLogIdAt, claim.log_id.bytes.data(), claim.log_id.bytes.size());
  std::memcpy(to + kClaimParentLogIdAt, claim.parent_log_id.bytes.data(),
              claim.parent_log_id.bytes.size());
  io::StoreLittleEndian<uint64_t>(to + kClaimParentFrameAt, claim.parent_frame.value());
  io::StoreLittleEndian<uint64_t>(to + kClaimEpochAt, claim.epoch.value());
  io::StoreLittleEndian<uint64_t>(to + kClaimFirstFrameAt, claim.first_frame.value());
  io::StoreLittleEndian<uint64_t>(to + kClaimNonceAt, claim.writer_nonce);
  io::StoreLittleEndian<uint64_t>(to + kClaimCreatedAt, static_cast<uint64_t>(claim.created_us));
  io::StoreLittleEndian<uint32_t>(to + kClaimChecksumAt,
                                  io::Crc32c(0, io::ByteView(to, kClaimChecksumAt)));
  return bytes;
}

absl::StatusOr<EpochClaim> DecodeEpochClaim(absl::string_view object, io::ByteView bytes) {
  if (bytes.size() != kEpochClaimSize) {
    return absl::DataLossError(absl::StrFormat("%s: an epoch claim of %d bytes, expected %d",
                                               object, bytes.size(), kEpochClaimSize));
  }
  if (Field<uint64_t>(bytes, 0) != kClaimMagic) {
    return absl::DataLossError(absl::StrCat(object, ": offset 0: not an epoch claim"));
  }
  uint32_t found = io::Crc32c(0, bytes.first(kClaimChecksumAt));
  uint32_t expected = Field<uint32_t>(bytes, kClaimChecksumAt);
  if (found != expected) {
    return absl::DataLossError(absl::StrFormat(
        "%s: offset 0: epoch claim checksum %08x, expected %08x", object, found, expected));
  }
  uint32_t version = Field<uint32_t>(bytes, kClaimVersionAt);
  bool reserved_is_zero = true;
  for (size_t at = kClaimReservedAt; at < kClaimChecksumAt; ++at)
    reserved_is_zero &= bytes[at] == 0;
  if (version != kClaimVersion || !reserved_is_zero) {
    return absl::UnimplementedError(
        absl::StrFormat("%s: an epoch claim of a later release (version %d)", object, version));
  }
  EpochClaim claim;
  claim.page_size = Field<uint32_t>(bytes, kClaimPageSizeAt);
  std::memcpy(claim.log_id.bytes.data(), bytes.data() + kClaimLogIdAt, claim.log_id.bytes.size());
  std::memcpy(claim.parent_log_id.bytes.data(), bytes.data() + kClaimParentLogIdAt,
              claim.parent_log_id.bytes.size());
  claim.parent_frame = FrameNo(Field<uint64_t>(bytes, kClaimParentFrameAt));
  claim.epoch = Epoch(Field<uint64_t>(bytes, kClaimEpochAt));
  claim.first_frame = FrameNo(Field<uint64_t>(bytes, kClaimFirstFrameAt));
  claim.writer_nonce = Field<uint64_t>(bytes, kClaimNonceAt);
  claim.created_us = static_cast<int64_t>(Field<uint64_t>(bytes, kClaimCreatedAt));
  STRATA_RETURN_IF_ERROR(CheckClaim(object, claim));
  return claim;
}

}  // namespace strata::segment
