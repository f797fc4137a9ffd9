#include "segment/manifest_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/manifest_codec.h"

namespace strata::segment {
namespace {

constexpr size_t kMergeFan = 8;
constexpr uint32_t kSmallPart = 4096;  // segments
constexpr uint32_t kFullPart = 32768;  // and above this, it stays as it is

int TierOf(const ManifestPart& part) {
  return part.segments < kSmallPart ? 0 : part.segments < kFullPart ? 1 : 2;
}

}  // namespace

absl::StatusOr<ManifestEdits> ManifestParts::Read(const ManifestPart& part) {
  const std::string key = BuildPartKey(ns_, {part.from, part.to, part.nonce});
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, store_.GetRange(key, 0, part.size + 1));
  const uint32_t found = io::Crc32c(0, bytes);
  if (bytes.size() != part.size || found != part.crc32c) {
    return absl::DataLossError(absl::StrFormat("%s: %d bytes, checksum %08x; expected %d, %08x",
                                               key, bytes.size(), found, part.size, part.crc32c));
  }
  STRATA_ASSIGN_OR_RETURN(Manifest manifest, DecodeManifest(key, bytes));
  if (manifest.kind != ManifestKind::kPart || manifest.from != part.from ||
      manifest.to != part.to) {
    return absl::DataLossError(absl::StrCat(key, ": holds changes ", manifest.from, " to ",
                                            manifest.to, " of another object"));
  }
  return std::move(manifest.edits);
}

absl::StatusOr<ManifestPart> ManifestParts::Write(uint64_t from, uint64_t to,
                                                  const ManifestEdits& edits) {
  Manifest manifest;
  manifest.kind = ManifestKind::kPart;
  manifest.from = from;
  manifest.to = to;
  manifest.nonce = random_.Next64();
  manifest.created_us = clock_.NowMicros();
  manifest.edits.adds = edits.adds;
  manifest.edits.marks = edits.marks;
  manifest.edits.forgets = edits.forgets;
  const std::vector<uint8_t> bytes = EncodeManifest(manifest);
  const std::string key = BuildPartKey(ns_, {from, to, manifest.nonce});
  if (bytes.size() > kMaxManifestSize) {
    return absl::ResourceExhaustedError(
        absl::StrCat(key, ": ", bytes.size(), " bytes, at most ", kMaxManifestSize));
  }
  STRATA_RETURN_IF_ERROR(io::PutObject(store_, key, io::IfPresent::kFail, bytes));
  return ManifestPart{from,
                      to,
                      manifest.nonce,
                      bytes.size(),
                      io::Crc32c(0, bytes),
                      static_cast<uint32_t>(edits.segments())};
}

absl::StatusOr<bool> ManifestParts::MergeLast(std::vector<ManifestPart>* parts) {
  if (parts->size() < kMergeFan) return false;
  const auto first = parts->end() - kMergeFan;
  const int tier = TierOf(parts->back());
  for (auto part = first; part != parts->end(); ++part) {
    if (TierOf(*part) != tier || tier == 2) return false;
  }
  ManifestEdits merged;
  const FoldKind kind = first->from == 1 ? FoldKind::kComplete : FoldKind::kPartial;
  for (auto part = first; part != parts->end(); ++part) {
    STRATA_ASSIGN_OR_RETURN(const ManifestEdits edits, Read(*part));
    Fold(edits, kind, &merged);
  }
  STRATA_ASSIGN_OR_RETURN(const ManifestPart part, Write(first->from, parts->back().to, merged));
  parts->erase(first, parts->end());
  parts->push_back(part);
  return true;
}

absl::Status ManifestParts::Append(uint64_t from, uint64_t to, const ManifestEdits& edits,
                                   std::vector<ManifestPart>* parts) {
  STRATA_ASSIGN_OR_RETURN(const ManifestPart part, Write(from, to, edits));
  parts->push_back(part);
  bool merged = true;
  while (merged) {
    STRATA_ASSIGN_OR_RETURN(merged, MergeLast(parts));
  }
  return absl::OkStatus();
}

}  // namespace strata::segment
