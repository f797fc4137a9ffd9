#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/bytes.h"
#include "segment/dictionary.h"
#include "segment/frame.h"

// A frame's payload from and to the plain page.
namespace strata::segment {

// How pages that stand alone are stored.
struct PageEncoding {
  Codec codec = Codec::kRaw;  // kRaw, kZstd or kZstdDictionary
  int zstd_level = 3;
  std::shared_ptr<const Dictionary> dictionary;  // with kZstdDictionary
};

// zstd with `dictionary`, or without one when it is nullptr.
PageEncoding ZstdEncoding(std::shared_ptr<const Dictionary> dictionary, int zstd_level);

// The codec used, which is kRaw when the page did not shrink. `encoded` is filled unless that is
// kRaw: then the payload is the page itself. InvalidArgument: another codec, or no dictionary.
absl::StatusOr<Codec> EncodePage(io::ByteView page, const PageEncoding& encoding,
                                 std::vector<uint8_t>* encoded);

// Stores a page as what changed since its previous version; false when it did not shrink.
absl::StatusOr<bool> EncodeDelta(io::ByteView page, io::ByteView previous, int zstd_level,
                                 std::vector<uint8_t>* encoded);

// What a payload was encoded against, according to its codec.
struct PageReference {
  io::ByteView previous;                   // kDelta: the plain previous version
  const Dictionary* dictionary = nullptr;  // kZstdDictionary
};

// Fills `page` from the payload of a frame. DataLoss: it does not decode to page.size() bytes.
// Unimplemented: a codec this version cannot read, or one whose reference is missing; the message
// names it.
absl::Status DecodePage(Codec codec, const PageReference& reference, io::ByteView payload,
                        io::MutableBytes page);

}  // namespace strata::segment
