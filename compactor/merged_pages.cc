#include "compactor/merged_pages.h"

#include <algorithm>

#include "io/checksum.h"
#include "io/status_macros.h"
#include "segment/digest.h"
#include "segment/frame_codec.h"

namespace strata::compactor {
namespace {

using segment::Codec;
using segment::PageNo;
using segment::UnionEntry;

constexpr size_t kWindowBytes = 4 << 20;  // plain pages encoded at a time

}  // namespace

void MergedPages::AddToDigest(uint64_t page, uint64_t page_hash) {
  if (page != segment::LockBytePage(chain_.page_size()).value()) digest_ ^= page_hash;
}

void MergedPages::AddZeroPages(uint64_t begin, uint64_t end) {
  for (uint64_t page = begin; page < end; ++page) {
    AddToDigest(page,
                segment::ZeroPageHash(PageNo(static_cast<uint32_t>(page)), chain_.page_size()));
  }
}

// A sealed segment's pages were encoded in less time than a merge has.
bool MergedPages::IsEncodedAsWanted(const FetchedPage& fetched) const {
  if (fetched.header.codec != encoding_.codec) return false;
  if (encoding_.codec == Codec::kRaw) return true;
  const bool is_sealed = chain_.segments()[fetched.source].key.level == segment::kSealedLevel;
  const uint32_t dictionary_id = encoding_.dictionary == nullptr ? 0 : encoding_.dictionary->id();
  return !is_sealed && fetched.header.dictionary_id == dictionary_id;
}

absl::Status MergedPages::Encode(const FetchedPage& fetched) {
  EncodedPage& encoded = encoded_[fetched.position];
  encoded.header = fetched.header;
  encoded.page_hash = fetched.page_hash;
  encoded.header.page_checksum = io::Crc32c(0, fetched.page);
  if (IsEncodedAsWanted(fetched)) {
    encoded.payload.assign(fetched.payload.begin(), fetched.payload.end());
    return absl::OkStatus();
  }
  STRATA_ASSIGN_OR_RETURN(encoded.header.codec,
                          segment::EncodePage(fetched.page, encoding_, &encoded.payload));
  if (encoded.header.codec == Codec::kRaw)
    encoded.payload.assign(fetched.page.begin(), fetched.page.end());
  encoded.header.stored_length = static_cast<uint32_t>(encoded.payload.size());
  encoded.header.dictionary_id = 0;
  if (encoded.header.codec == Codec::kZstdDictionary)
    encoded.header.dictionary_id = encoding_.dictionary->id();
  return absl::OkStatus();
}

absl::Status MergedPages::EncodeWindow(absl::Span<const UnionEntry> window) {
  encoded_.resize(std::max(encoded_.size(), window.size()));
  return FetchPages(chain_, window, threads_, [this](absl::Span<const FetchedPage> pages) {
    for (const FetchedPage& page : pages) STRATA_RETURN_IF_ERROR(Encode(page));
    return absl::OkStatus();
  });
}

absl::Status MergedPages::WriteTo(segment::SegmentWriter* writer,
                                  const std::function<void(uint64_t, uint64_t)>& progress) {
  const uint64_t total = chain_.commit().database_pages;
  const bool has_digest = chain_.segments().front().key.first.value() == 1;
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<segment::PageUnion> winners, chain_.NewUnion());
  std::vector<UnionEntry> window(kWindowBytes / chain_.page_size());
  uint64_t next_page = 1;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(size_t filled, winners->NextBatch(absl::MakeSpan(window)));
    if (filled == 0) break;
    STRATA_RETURN_IF_ERROR(EncodeWindow(absl::MakeConstSpan(window).first(filled)));
    for (size_t i = 0; i < filled; ++i) {
      const EncodedPage& encoded = encoded_[i];
      STRATA_RETURN_IF_ERROR(
          writer->AddEncodedFrame(encoded.header, encoded.payload, encoded.page_hash));
      uint64_t page = window[i].page.value();
      if (has_digest) AddZeroPages(next_page, page);
      AddToDigest(page, encoded.page_hash);
      next_page = page + 1;
    }
    pages_ += filled;
    if (progress) progress(pages_, total);
  }
  if (has_digest) AddZeroPages(next_page, total + 1);
  return absl::OkStatus();
}

}  // namespace strata::compactor
