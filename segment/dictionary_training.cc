#include "segment/dictionary_training.h"

#include <algorithm>

#include "io/status_macros.h"
#include "segment/frame_codec.h"

namespace strata::segment {
namespace {

constexpr size_t kMeasuredShare = 10;   // one of so many samples is kept to measure with
constexpr size_t kFewestSamples = 100;  // below, training gives nothing that is worth an object

}  // namespace

void TrainingSamples::Offer(io::ByteView page) {
  if (offered_++ % stride_ != 0 || max_pages_ == 0) return;
  bytes_.insert(bytes_.end(), page.begin(), page.end());
  if (pages() == max_pages_) ThinOut();
}

void TrainingSamples::Clear() {
  bytes_.clear();
  bytes_.shrink_to_fit();
  offered_ = 0;
  stride_ = 1;
}

// Every other one goes.
void TrainingSamples::ThinOut() {
  const size_t kept = (pages() + 1) / 2;
  for (size_t i = 1; i < kept; ++i) {
    const io::ByteView from = page(2 * i);
    std::copy(from.begin(), from.end(), bytes_.begin() + static_cast<ptrdiff_t>(i * page_size_));
  }
  bytes_.resize(kept * page_size_);
  stride_ *= 2;
}

absl::StatusOr<uint32_t> MeasureRatio(const TrainingSamples& samples, size_t begin, size_t end,
                                      const Dictionary* dictionary, int zstd_level) {
  const PageEncoding encoding = ZstdEncoding(
      std::shared_ptr<const Dictionary>(dictionary, [](const Dictionary*) {}), zstd_level);
  uint64_t stored = 0;
  std::vector<uint8_t> encoded;
  for (size_t i = begin; i < end; ++i) {
    STRATA_ASSIGN_OR_RETURN(const Codec codec, EncodePage(samples.page(i), encoding, &encoded));
    stored += codec == Codec::kRaw ? samples.page_size() : encoded.size();
  }
  const uint64_t plain = uint64_t{samples.page_size()} * std::max<size_t>(1, end - begin);
  return static_cast<uint32_t>(1000 * stored / plain);
}

absl::StatusOr<std::shared_ptr<const Dictionary>> TrainDictionary(const TrainingSamples& samples,
                                                                  DictionaryKind kind,
                                                                  int zstd_level,
                                                                  int64_t created_us) {
  if (samples.pages() < kFewestSamples) return nullptr;
  // Measured are the latest, as the pages that come will be later still.
  const size_t trained = samples.pages() - samples.pages() / kMeasuredShare;
  const std::vector<size_t> sizes(trained, samples.page_size());
  auto content = io::TrainZstdDictionary({samples.page(0).data(), trained * samples.page_size()},
                                         sizes, kDictionaryBytes);
  if (absl::IsInvalidArgument(content.status())) return nullptr;  // nothing to learn from them
  STRATA_RETURN_IF_ERROR(content.status());
  STRATA_ASSIGN_OR_RETURN(const auto draft, Dictionary::Create(kind, *content, created_us, 0));
  STRATA_ASSIGN_OR_RETURN(const uint32_t with,
                          MeasureRatio(samples, trained, samples.pages(), draft.get(), zstd_level));
  STRATA_ASSIGN_OR_RETURN(const uint32_t without,
                          MeasureRatio(samples, trained, samples.pages(), nullptr, zstd_level));
  if (with * 20 > without * 19) return nullptr;
  return Dictionary::Create(kind, *std::move(content), created_us, with);
}

}  // namespace strata::segment
