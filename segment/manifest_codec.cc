#include "segment/manifest_codec.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/byte_codec.h"

namespace strata::segment {
namespace {

constexpr uint64_t kMagic = 0x314e414d41525453;  // "STRAMAN1", little-endian
constexpr uint32_t kVersion = 1;
constexpr uint32_t kHasPolicy = 1;
constexpr uint32_t kIsBase = 2;
constexpr size_t kLengthAt = 48;
constexpr size_t kChecksumSize = 4;

// The sections, in order; their counts stand in the header, four bytes each from byte 56 on.
enum Section : size_t { kParts, kLogIds, kClaims, kEnds, kAdds, kMarks, kForgets, kPins, kUnpins };
constexpr size_t kSections = 9;
// The least bytes an entry takes: no count can ask for more memory than the object has bytes for.
constexpr std::array<size_t, kSections> kLeastBytes = {40, 16, 22, 2, 13, 13, 5, 19, 1};
constexpr size_t kCountsAt = 56;

struct Header {
  Manifest manifest;
  std::array<uint32_t, kSections> counts{};
  uint32_t flags = 0;
};

// The log ids that a manifest speaks of; everything else names them by their place here.
class LogTable {
 public:
  void Note(const LogId& id) {
    if (!id.is_none()) places_.emplace(id, 0);
  }
  void Number() {
    uint64_t next = 0;
    for (auto& [id, place] : places_) place = ++next;
  }
  uint64_t PlaceOf(const LogId& id) const { return id.is_none() ? 0 : places_.at(id); }
  const std::map<LogId, uint64_t>& places() const { return places_; }

 private:
  std::map<LogId, uint64_t> places_;  // from 1; 0 is none
};

LogTable TableOf(const ManifestEdits& edits) {
  LogTable table;
  for (const auto& [epoch, claim] : edits.claims) {
    table.Note(claim.log_id);
    table.Note(claim.parent_log_id);
  }
  for (const auto& [id, end] : edits.ends) table.Note(id);
  for (const auto& [key, facts] : edits.adds) table.Note(key.log_id);
  for (const auto& [key, mark] : edits.marks) table.Note(key.log_id);
  for (const SegmentKey& key : edits.forgets) table.Note(key.log_id);
  for (const auto& [name, pin] : edits.pins) {
    if (pin) table.Note(pin->log_id);
  }
  table.Number();
  return table;
}

uint64_t Difference(uint64_t a, uint64_t b) { return a - b; }  // modulo 2^64, undone by adding

// Keys in order: each says where it starts after the one before.
class KeyWriter {
 public:
  KeyWriter(const LogTable& logs, ByteWriter* to) : logs_(logs), to_(*to) {}

  void Write(const SegmentKey& key) {
    to_.Varint(logs_.PlaceOf(key.log_id));
    to_.Signed(static_cast<int64_t>(Difference(key.first.value(), next_)));
    to_.Varint(key.last.value() - key.first.value());
    to_.Varint(key.epoch.value());
    to_.Byte(key.level);
    next_ = key.last.value() + 1;
  }

 private:
  const LogTable& logs_;
  ByteWriter& to_;
  uint64_t next_ = 1;
};

class KeyReader {
 public:
  KeyReader(const std::vector<LogId>& logs, ByteReader* from) : logs_(logs), from_(*from) {}

  // Fails on what is no key, or not behind the one before.
  SegmentKey Read() {
    SegmentKey key;
    const uint64_t place = from_.Varint();
    if (place == 0 || place > logs_.size()) from_.Fail();
    if (!from_.ok()) return key;
    key.log_id = logs_[place - 1];
    key.first = FrameNo(next_ + static_cast<uint64_t>(from_.Signed()));
    key.last = FrameNo(key.first.value() + from_.Varint());
    key.epoch = Epoch(from_.Varint());
    key.level = from_.Byte();
    if (!IsPossibleKey(key) || (!first_ && !(before_ < key))) from_.Fail();
    first_ = false;
    before_ = key;
    next_ = key.last.value() + 1;
    return key;
  }

 private:
  const std::vector<LogId>& logs_;
  ByteReader& from_;
  SegmentKey before_;
  bool first_ = true;
  uint64_t next_ = 1;
};

void WriteAdds(const ManifestEdits& edits, const LogTable& logs, ByteWriter* to) {
  KeyWriter keys(logs, to);
  int64_t time_us = 0;
  for (const auto& [key, facts] : edits.adds) {
    keys.Write(key);
    to->Varint(facts.size);
    to->Fixed32(facts.crc32c);
    to->Varint(facts.commits);
    to->Signed(static_cast<int64_t>(
        Difference(static_cast<uint64_t>(facts.first_time_us), static_cast<uint64_t>(time_us))));
    to->Signed(static_cast<int64_t>(Difference(static_cast<uint64_t>(facts.last_time_us),
                                               static_cast<uint64_t>(facts.first_time_us))));
    time_us = facts.last_time_us;
  }
}

void ReadAdds(uint32_t count, const std::vector<LogId>& logs, ByteReader* from,
              ManifestEdits* edits) {
  KeyReader keys(logs, from);
  uint64_t time_us = 0;
  for (uint32_t i = 0; i < count && from->ok(); ++i) {
    const SegmentKey key = keys.Read();
    SegmentFacts facts;
    facts.size = from->Varint();
    facts.crc32c = from->Fixed32();
    facts.commits = from->Varint();
    const uint64_t first = time_us + static_cast<uint64_t>(from->Signed());
    time_us = first + static_cast<uint64_t>(from->Signed());
    facts.first_time_us = static_cast<int64_t>(first);
    facts.last_time_us = static_cast<int64_t>(time_us);
    if (from->ok()) edits->adds.emplace_hint(edits->adds.end(), key, facts);
  }
}

void WriteClaims(const ManifestEdits& edits, const LogTable& logs, ByteWriter* to) {
  for (const auto& [epoch, claim] : edits.claims) {
    to->Varint(logs.PlaceOf(claim.log_id));
    to->Varint(logs.PlaceOf(claim.parent_log_id));
    to->Varint(claim.parent_frame.value());
    to->Varint(claim.epoch.value());
    to->Varint(claim.first_frame.value());
    to->Varint(claim.page_size);
    to->Fixed64(claim.writer_nonce);
    to->Fixed64(static_cast<uint64_t>(claim.created_us));
  }
}

LogId LogAt(const std::vector<LogId>& logs, uint64_t place, bool may_be_none, ByteReader* from) {
  if (place == 0 && may_be_none) return {};
  if (place != 0 && place <= logs.size()) return logs[place - 1];
  from->Fail();
  return {};
}

void ReadClaims(uint32_t count, const std::vector<LogId>& logs, ByteReader* from,
                ManifestEdits* edits) {
  Epoch before;
  for (uint32_t i = 0; i < count && from->ok(); ++i) {
    EpochClaim claim;
    claim.log_id = LogAt(logs, from->Varint(), false, from);
    claim.parent_log_id = LogAt(logs, from->Varint(), true, from);
    claim.parent_frame = FrameNo(from->Varint());
    claim.epoch = Epoch(from->Varint());
    claim.first_frame = FrameNo(from->Varint());
    const uint64_t page_size = from->Varint();
    claim.writer_nonce = from->Fixed64();
    claim.created_us = static_cast<int64_t>(from->Fixed64());
    const bool possible =
        page_size <= kMaxPageSize && IsValidPageSize(static_cast<uint32_t>(page_size)) &&
        claim.epoch > before && claim.epoch <= kMaxEpoch && claim.first_frame.value() >= 1;
    if (!possible) from->Fail();
    claim.page_size = static_cast<uint32_t>(page_size);
    before = claim.epoch;
    if (from->ok()) edits->claims.emplace(claim.epoch, claim);
  }
}

void WritePins(const ManifestEdits& edits, const LogTable& logs, ByteWriter* to) {
  for (const auto& [name, pin] : edits.pins) {
    if (!pin) continue;
    to->Text(name);
    to->Varint(logs.PlaceOf(pin->log_id));
    to->Varint(pin->frame.value());
    to->Fixed64(static_cast<uint64_t>(pin->time_us));
    to->Fixed64(static_cast<uint64_t>(pin->created_us));
  }
  for (const auto& [name, pin] : edits.pins) {
    if (!pin) to->Text(name);
  }
}

void ReadPins(const Header& header, const std::vector<LogId>& logs, ByteReader* from,
              ManifestEdits* edits) {
  const uint32_t pins = header.counts[kPins];
  for (uint32_t i = 0; i < pins && from->ok(); ++i) {
    const std::string name = from->Text(kMaxPinName);
    Pin pin;
    pin.log_id = LogAt(logs, from->Varint(), false, from);
    pin.frame = FrameNo(from->Varint());
    pin.time_us = static_cast<int64_t>(from->Fixed64());
    pin.created_us = static_cast<int64_t>(from->Fixed64());
    if (!edits->pins.emplace(name, pin).second) from->Fail();
  }
  for (uint32_t i = 0; i < header.counts[kUnpins] && from->ok(); ++i) {
    if (!edits->pins.emplace(from->Text(kMaxPinName), std::nullopt).second) from->Fail();
  }
}

void WriteHeader(const Manifest& manifest, const LogTable& logs, uint64_t length, ByteWriter* to) {
  const ManifestEdits& edits = manifest.edits;
  const size_t pins =
      static_cast<size_t>(std::count_if(edits.pins.begin(), edits.pins.end(),
                                        [](const auto& pin) { return pin.second.has_value(); }));
  to->Fixed64(kMagic);
  to->Fixed32(kVersion);
  to->Fixed32(static_cast<uint32_t>(manifest.kind));
  to->Fixed64(manifest.from);
  to->Fixed64(manifest.to);
  to->Fixed64(manifest.nonce);
  to->Fixed64(static_cast<uint64_t>(manifest.created_us));
  to->Fixed64(length);
  for (size_t count : {manifest.parts.size(), logs.places().size(), edits.claims.size(),
                       edits.ends.size(), edits.adds.size(), edits.marks.size(),
                       edits.forgets.size(), pins, edits.pins.size() - pins}) {
    to->Fixed32(static_cast<uint32_t>(count));
  }
  to->Fixed32((edits.policy ? kHasPolicy : 0) | (manifest.is_base ? kIsBase : 0));
}

void WriteParts(const Manifest& manifest, ByteWriter* to) {
  for (const ManifestPart& part : manifest.parts) {
    for (uint64_t field : {part.from, part.to, part.nonce, part.size}) to->Fixed64(field);
    to->Fixed32(part.crc32c);
    to->Fixed32(part.segments);
  }
}

// They follow one another from change 1 up to the first that the edits fold.
void ReadParts(uint32_t count, ByteReader* from, Manifest* manifest) {
  uint64_t next = 1;
  for (uint32_t i = 0; i < count && from->ok(); ++i) {
    ManifestPart part;
    for (uint64_t* field : {&part.from, &part.to, &part.nonce, &part.size}) {
      *field = from->Fixed64();
    }
    part.crc32c = from->Fixed32();
    part.segments = from->Fixed32();
    if (part.from != next || part.to < part.from || part.size > kMaxManifestSize) from->Fail();
    next = part.to + 1;
    manifest->parts.push_back(part);
  }
  const bool covers_all = manifest->kind == ManifestKind::kHint || manifest->is_base;
  if (covers_all ? next != manifest->from : count != 0) from->Fail();
}

void ReadEdits(const Header& header, const std::vector<LogId>& logs, ByteReader* from,
               ManifestEdits* edits) {
  ReadClaims(header.counts[kClaims], logs, from, edits);
  for (uint32_t i = 0; i < header.counts[kEnds] && from->ok(); ++i) {
    const LogId id = LogAt(logs, from->Varint(), false, from);
    if (!edits->ends.emplace(id, FrameNo(from->Varint())).second) from->Fail();
  }
  ReadAdds(header.counts[kAdds], logs, from, edits);
  KeyReader marks(logs, from);
  for (uint32_t i = 0; i < header.counts[kMarks] && from->ok(); ++i) {
    const SegmentKey key = marks.Read();
    const uint64_t size = from->Varint();
    const MarkedSegment mark{size, static_cast<int64_t>(from->Fixed64())};
    if (from->ok() && (edits->adds.contains(key) || !edits->marks.emplace(key, mark).second)) {
      from->Fail();
    }
  }
  KeyReader forgets(logs, from);
  for (uint32_t i = 0; i < header.counts[kForgets] && from->ok(); ++i) {
    const SegmentKey key = forgets.Read();
    if (edits->adds.contains(key) || edits->marks.contains(key)) from->Fail();
    edits->forgets.insert(key);
  }
  ReadPins(header, logs, from, edits);
  if ((header.flags & kHasPolicy) != 0) edits->policy = from->Text(kMaxPolicyText);
}

absl::StatusOr<Header> ReadHeader(absl::string_view object, io::ByteView bytes) {
  if (bytes.size() < kManifestHeaderSize + kChecksumSize ||
      io::LoadLittleEndian<uint64_t>(bytes.data()) != kMagic) {
    return absl::DataLossError(
        absl::StrFormat("%s: offset 0: not a manifest (%d bytes)", object, bytes.size()));
  }
  const uint64_t length = io::LoadLittleEndian<uint64_t>(bytes.data() + kLengthAt);
  if (length != bytes.size()) {
    return absl::DataLossError(absl::StrFormat("%s: offset 48: a manifest of %d bytes, expected %d",
                                               object, bytes.size(), length));
  }
  const uint32_t found = io::Crc32c(0, bytes.first(bytes.size() - kChecksumSize));
  const uint32_t expected =
      io::LoadLittleEndian<uint32_t>(bytes.data() + bytes.size() - kChecksumSize);
  if (found != expected) {
    return absl::DataLossError(absl::StrFormat(
        "%s: offset 0: manifest checksum %08x, expected %08x", object, found, expected));
  }
  ByteReader from(bytes);
  Header header;
  from.Fixed64();
  const uint32_t version = from.Fixed32();
  const uint32_t kind = from.Fixed32();
  header.manifest.kind = static_cast<ManifestKind>(kind);
  header.manifest.from = from.Fixed64();
  header.manifest.to = from.Fixed64();
  header.manifest.nonce = from.Fixed64();
  header.manifest.created_us = static_cast<int64_t>(from.Fixed64());
  from.Fixed64();
  for (uint32_t& count : header.counts) count = from.Fixed32();
  header.flags = from.Fixed32();
  header.manifest.is_base = (header.flags & kIsBase) != 0;
  if (version != kVersion || kind < 1 || kind > 3 || header.flags > (kHasPolicy | kIsBase)) {
    return absl::UnimplementedError(
        absl::StrFormat("%s: a manifest of a later release (version %d, kind %d, flags %x)", object,
                        version, kind, header.flags));
  }
  return header;
}

absl::Status CheckNumbers(absl::string_view object, const Header& header, uint64_t left) {
  const Manifest& manifest = header.manifest;
  bool possible = manifest.from >= 1 && manifest.from <= manifest.to && manifest.to < UINT64_MAX;
  if (manifest.kind == ManifestKind::kChange) possible &= manifest.from == manifest.to;
  if (manifest.kind != ManifestKind::kChange) possible &= !manifest.is_base;
  if (!possible) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: offset 16: impossible changes %d to %d",
                                                      object, manifest.from, manifest.to));
  }
  for (size_t i = 0; i < kSections; ++i) {
    if (header.counts[i] <= left / kLeastBytes[i]) continue;
    return absl::InvalidArgumentError(absl::StrFormat("%s: offset %d: %d entries in %d bytes",
                                                      object, kCountsAt + 4 * i, header.counts[i],
                                                      left));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<uint8_t> EncodeManifest(const Manifest& manifest) {
  const LogTable logs = TableOf(manifest.edits);
  std::vector<uint8_t> bytes;
  ByteWriter to(&bytes);
  WriteHeader(manifest, logs, 0, &to);
  WriteParts(manifest, &to);
  for (const auto& [id, place] : logs.places()) to.Raw(id.bytes);
  WriteClaims(manifest.edits, logs, &to);
  for (const auto& [id, end] : manifest.edits.ends) {
    to.Varint(logs.PlaceOf(id));
    to.Varint(end.value());
  }
  WriteAdds(manifest.edits, logs, &to);
  KeyWriter marks(logs, &to);
  for (const auto& [key, mark] : manifest.edits.marks) {
    marks.Write(key);
    to.Varint(mark.size);
    to.Fixed64(static_cast<uint64_t>(mark.marked_us));
  }
  KeyWriter forgets(logs, &to);
  for (const SegmentKey& key : manifest.edits.forgets) forgets.Write(key);
  WritePins(manifest.edits, logs, &to);
  if (manifest.edits.policy) to.Text(*manifest.edits.policy);
  io::StoreLittleEndian<uint64_t>(bytes.data() + kLengthAt, bytes.size() + kChecksumSize);
  to.Fixed32(io::Crc32c(0, bytes));
  return bytes;
}

absl::StatusOr<Manifest> DecodeManifest(absl::string_view object, io::ByteView bytes) {
  STRATA_ASSIGN_OR_RETURN(Header header, ReadHeader(object, bytes));
  const io::ByteView body =
      bytes.subspan(kManifestHeaderSize, bytes.size() - kManifestHeaderSize - kChecksumSize);
  STRATA_RETURN_IF_ERROR(CheckNumbers(object, header, body.size()));
  ByteReader from(body);
  Manifest& manifest = header.manifest;
  ReadParts(header.counts[kParts], &from, &manifest);
  std::vector<LogId> logs(header.counts[kLogIds]);
  for (LogId& id : logs) {
    const io::ByteView raw = from.Raw(id.bytes.size());
    std::copy(raw.begin(), raw.end(), id.bytes.begin());
    if (id.is_none()) from.Fail();
  }
  ReadEdits(header, logs, &from, &manifest.edits);
  if (from.ok() && from.left() == 0) return std::move(manifest);
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: offset %d: not what a manifest can hold", object,
                      kManifestHeaderSize + body.size() - from.left()));
}

}  // namespace strata::segment
