#include "compactor/savings.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "compactor/page_dictionary.h"
#include "compactor/page_fetcher.h"
#include "compactor/sealed_rewrite.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"

namespace strata::compactor {
namespace {

using segment::Codec;
using segment::Dictionary;
using segment::DictionaryKind;
using segment::DirectoryEntry;
using segment::SegmentReader;
using segment::TrainingSamples;

constexpr size_t kSegmentsLookedAt = 4;
constexpr int kZstdLevel = 6;
constexpr uint32_t kLongestChain = 16;
constexpr uint64_t kAnySalt = 1;  // of segments that are thrown away

// Has one dictionary that is in no store.
class OneDictionary : public segment::DictionarySource {
 public:
  explicit OneDictionary(std::shared_ptr<const Dictionary> dictionary)
      : dictionary_(std::move(dictionary)) {}
  absl::StatusOr<std::shared_ptr<const Dictionary>> Get(const segment::DictionaryRef&) override {
    return dictionary_;
  }

 private:
  const std::shared_ptr<const Dictionary> dictionary_;
};

uint64_t Scaled(uint64_t whole, uint64_t part_after, uint64_t part) {
  if (part == 0) return whole;
  return static_cast<uint64_t>(static_cast<double>(whole) * static_cast<double>(part_after) /
                               static_cast<double>(part));
}

// One estimate on its way.
class Estimation {
 public:
  Estimation(io::ObjectStore* store, BlockCache* cache, absl::string_view ns, const LogHistory& log)
      : store_(store), cache_(cache), ns_(ns), log_(log) {}

  absl::StatusOr<SavingsEstimate> Sealed();
  absl::StatusOr<SavingsEstimate> Compacted();

 private:
  std::vector<const CountedSegment*> Spread(bool sealed, uint64_t* bytes) const;
  absl::StatusOr<std::unique_ptr<SegmentReader>> Open(const CountedSegment& s) {
    return OpenStoredSegment(store_, cache_, ns_, {s.key, s.size}, log_.page_size);
  }
  absl::StatusOr<std::shared_ptr<const Dictionary>> TrainOnKeyframes(
      const std::vector<const CountedSegment*>& segments);
  absl::StatusOr<uint64_t> Rewritten(const std::vector<const CountedSegment*>& segments,
                                     std::shared_ptr<const Dictionary> dictionary);
  absl::Status AddCompacted(size_t position, SavingsEstimate* sum);

  io::ObjectStore* const store_;
  BlockCache* const cache_;
  const std::string ns_;
  const LogHistory& log_;
};

// Some of the segments of a kind, and the bytes of all.
std::vector<const CountedSegment*> Estimation::Spread(bool sealed, uint64_t* bytes) const {
  std::vector<const CountedSegment*> all;
  for (const CountedSegment& s : log_.segments) {
    if (s.is_sealed() != sealed) continue;
    all.push_back(&s);
    *bytes += s.size;
  }
  std::vector<const CountedSegment*> chosen;
  const size_t step = all.size() / kSegmentsLookedAt + 1;
  for (size_t i = 0; i < all.size(); i += step) chosen.push_back(all[i]);
  return chosen;
}

absl::StatusOr<std::shared_ptr<const Dictionary>> Estimation::TrainOnKeyframes(
    const std::vector<const CountedSegment*>& segments) {
  TrainingSamples samples(log_.page_size);
  std::vector<uint8_t> page(log_.page_size);
  for (const CountedSegment* s : segments) {
    STRATA_ASSIGN_OR_RETURN(const auto reader, Open(*s));
    STRATA_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries,
                            reader->ReadDirectory(0, reader->footer().frames));
    for (const DirectoryEntry& entry : entries) {
      if (entry.previous != 0) continue;
      STRATA_RETURN_IF_ERROR(reader->ReadFrame(entry, absl::MakeSpan(page)).status());
      samples.Offer(page);
    }
  }
  return segment::TrainDictionary(samples, DictionaryKind::kFrames, kZstdLevel, 0);
}

absl::StatusOr<uint64_t> Estimation::Rewritten(const std::vector<const CountedSegment*>& segments,
                                               std::shared_ptr<const Dictionary> dictionary) {
  uint64_t bytes = 0;
  for (const CountedSegment* s : segments) {
    STRATA_ASSIGN_OR_RETURN(const auto reader, Open(*s));
    STRATA_ASSIGN_OR_RETURN(
        const std::vector<uint8_t> rewritten,
        RewriteSealed(*reader, segment::ZstdEncoding(dictionary, kZstdLevel), kLongestChain,
                      kAnySalt, std::make_shared<OneDictionary>(dictionary)));
    bytes += std::min<uint64_t>(rewritten.size(), s->size);
  }
  return bytes;
}

absl::StatusOr<SavingsEstimate> Estimation::Sealed() {
  SavingsEstimate estimate;
  const std::vector<const CountedSegment*> segments = Spread(true, &estimate.bytes);
  for (const CountedSegment* s : segments) estimate.looked_at += s->size;
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const Dictionary> newest,
                          segment::FindNewestDictionary(*store_, ns_, DictionaryKind::kFrames));
  STRATA_ASSIGN_OR_RETURN(const uint64_t recompressed, Rewritten(segments, newest));
  estimate.recompressed = Scaled(estimate.bytes, recompressed, estimate.looked_at);
  estimate.retrained = estimate.recompressed;
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const Dictionary> trained,
                          TrainOnKeyframes(segments));
  if (trained == nullptr) return estimate;
  STRATA_ASSIGN_OR_RETURN(const uint64_t retrained, Rewritten(segments, trained));
  const uint64_t scaled = Scaled(estimate.bytes, retrained, estimate.looked_at);
  estimate.retrained = std::min(estimate.recompressed, scaled);
  return estimate;
}

absl::Status Estimation::AddCompacted(size_t position, SavingsEstimate* sum) {
  const CountedSegment& s = log_.segments[position];
  STRATA_ASSIGN_OR_RETURN(const auto chain, SegmentChain::Open(store_, cache_, ns_, log_,
                                                               {PathStep{position, s.upto}}));
  STRATA_ASSIGN_OR_RETURN(const TrainingSamples samples, SamplePages(*chain, DefaultThreads()));
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const Dictionary> newest,
                          segment::FindNewestDictionary(*store_, ns_, DictionaryKind::kPages));
  STRATA_ASSIGN_OR_RETURN(const uint32_t ratio, segment::MeasureRatio(samples, 0, samples.pages(),
                                                                      newest.get(), kZstdLevel));
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<const Dictionary> trained,
                          segment::TrainDictionary(samples, DictionaryKind::kPages, kZstdLevel, 0));
  const uint32_t best = trained == nullptr ? ratio : std::min(ratio, trained->sample_ratio());
  const uint64_t plain = chain->segments()[0].reader->footer().pages * log_.page_size;
  sum->looked_at += samples.pages() * log_.page_size;
  sum->recompressed += std::min<uint64_t>(s.size, plain * ratio / 1000);
  sum->retrained += std::min<uint64_t>(s.size, plain * best / 1000);
  return absl::OkStatus();
}

absl::StatusOr<SavingsEstimate> Estimation::Compacted() {
  SavingsEstimate all;
  SavingsEstimate some;
  for (const CountedSegment* s : Spread(false, &all.bytes)) {
    some.bytes += s->size;
    STRATA_RETURN_IF_ERROR(AddCompacted(static_cast<size_t>(s - log_.segments.data()), &some));
  }
  all.looked_at = some.looked_at;
  all.recompressed = Scaled(all.bytes, some.recompressed, some.bytes);
  all.retrained = Scaled(all.bytes, some.retrained, some.bytes);
  return all;
}

}  // namespace

absl::StatusOr<Savings> EstimateSavings(io::ObjectStore* store, BlockCache* cache,
                                        absl::string_view ns, const LogHistory& log) {
  Estimation estimation(store, cache, ns, log);
  Savings savings;
  STRATA_ASSIGN_OR_RETURN(savings.sealed, estimation.Sealed());
  STRATA_ASSIGN_OR_RETURN(savings.compacted, estimation.Compacted());
  return savings;
}

}  // namespace strata::compactor
