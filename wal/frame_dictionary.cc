#include "wal/frame_dictionary.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"

namespace strata::wal {

using segment::Dictionary;
using segment::DictionaryKind;
using segment::PageEncoding;

namespace {

constexpr int kSealedZstdLevel = 3;
constexpr int kBaseZstdLevel = 6;

absl::StatusOr<std::shared_ptr<const Dictionary>> TrainAndStore(
    const LogState& state, const segment::TrainingSamples& samples, DictionaryKind kind,
    int zstd_level, io::ObjectStore& store) {
  STRATA_ASSIGN_OR_RETURN(
      const std::shared_ptr<const Dictionary> dictionary,
      segment::TrainDictionary(samples, kind, zstd_level, state.environment.clock->NowMicros()));
  if (dictionary == nullptr) return nullptr;
  const absl::Status put = segment::PutDictionary(store, state.identity.name_space, *dictionary);
  if (absl::IsFailedPrecondition(put)) return nullptr;  // its id is taken: another one, later
  STRATA_RETURN_IF_ERROR(put);
  state.environment.logger->Log(
      io::Severity::kInfo, absl::StrFormat("%s: dictionary %08x trained on %d pages",
                                           state.directory, dictionary->id(), samples.pages()));
  return dictionary;
}

}  // namespace

void FrameDictionary::Offer(io::ByteView page) {
  if (dictionary_ != nullptr || state_.options.dictionary_frames == 0) return;
  if (!samples_.has_value()) samples_.emplace(state_.identity.page_size);
  samples_->Offer(page);
  ++seen_;
}

absl::Status FrameDictionary::Train(io::ObjectStore& store) {
  STRATA_ASSIGN_OR_RETURN(dictionary_, TrainAndStore(state_, *samples_, DictionaryKind::kFrames,
                                                     kSealedZstdLevel, store));
  next_training_ = 2 * seen_;  // what does not pay now may later
  if (dictionary_ != nullptr) samples_.reset();
  return absl::OkStatus();
}

absl::StatusOr<PageEncoding> FrameDictionary::EncodingOfNext(io::ObjectStore& store) {
  const uint64_t wanted = state_.options.dictionary_frames;
  if (wanted == 0) return segment::ZstdEncoding(nullptr, kSealedZstdLevel);
  if (!looked_) {
    STRATA_ASSIGN_OR_RETURN(
        dictionary_,
        segment::FindNewestDictionary(store, state_.identity.name_space, DictionaryKind::kFrames));
    looked_ = true;
    next_training_ = wanted;
  }
  if (dictionary_ == nullptr && seen_ >= next_training_) STRATA_RETURN_IF_ERROR(Train(store));
  return segment::ZstdEncoding(dictionary_, kSealedZstdLevel);
}

absl::StatusOr<PageEncoding> EncodingOfBase(const LogState& state, io::File& database,
                                            uint32_t pages, io::ObjectStore& store) {
  const uint64_t wanted = state.options.dictionary_frames;
  if (wanted == 0 || pages < wanted) return segment::ZstdEncoding(nullptr, kBaseZstdLevel);
  const uint32_t page_size = state.identity.page_size;
  segment::TrainingSamples samples(page_size);
  std::vector<uint8_t> page(page_size);
  const uint64_t most = segment::TrainingSamples::kMaxBytes / page_size;
  const uint64_t step = std::max<uint64_t>(1, pages / most + 1);
  for (uint64_t number = 0; number < pages; number += step) {
    STRATA_RETURN_IF_ERROR(state.CheckMayShip());
    std::fill(page.begin(), page.end(), 0);
    STRATA_RETURN_IF_ERROR(database.ReadAt(number * page_size, absl::MakeSpan(page)).status());
    samples.Offer(page);
  }
  STRATA_ASSIGN_OR_RETURN(
      std::shared_ptr<const Dictionary> dictionary,
      TrainAndStore(state, samples, DictionaryKind::kPages, kBaseZstdLevel, store));
  return segment::ZstdEncoding(std::move(dictionary), kBaseZstdLevel);
}

}  // namespace strata::wal
