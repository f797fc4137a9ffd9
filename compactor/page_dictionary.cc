#include "compactor/page_dictionary.h"

#include <algorithm>
#include <vector>

#include "compactor/page_fetcher.h"
#include "io/mutex.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"
#include "segment/page_union.h"

namespace strata::compactor {
namespace {

using segment::Dictionary;
using segment::DictionaryKind;
using segment::TrainingSamples;
using segment::UnionEntry;

constexpr size_t kWinnersRead = 4096;  // of the union, at a time

// A new dictionary is looked for when the newest makes pages this much larger than it once did.
constexpr bool IsNoticeablyWorse(uint32_t now, uint32_t once) { return now * 10 > once * 11; }

// Every so many winners of the chain, so that about `most` remain.
absl::StatusOr<std::vector<UnionEntry>> SpreadWinners(const SegmentChain& chain, size_t most) {
  const uint64_t step = chain.commit().database_pages / most + 1;
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<segment::PageUnion> winners, chain.NewUnion());
  std::vector<UnionEntry> chosen;
  std::vector<UnionEntry> batch(kWinnersRead);
  uint64_t at = 0;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const size_t filled, winners->NextBatch(absl::MakeSpan(batch)));
    if (filled == 0) return chosen;
    for (size_t i = 0; i < filled; ++i) {
      if (at++ % step == 0) chosen.push_back(batch[i]);
    }
  }
}

}  // namespace

absl::StatusOr<TrainingSamples> SamplePages(const SegmentChain& chain, size_t threads) {
  const uint32_t page_size = chain.page_size();
  TrainingSamples samples(page_size);
  STRATA_ASSIGN_OR_RETURN(const std::vector<UnionEntry> chosen,
                          SpreadWinners(chain, TrainingSamples::kMaxBytes / page_size / 2));
  std::vector<uint8_t> pages(chosen.size() * page_size);
  const auto keep = [&](absl::Span<const FetchedPage> some) {
    for (const FetchedPage& fetched : some) {
      std::copy(fetched.page.begin(), fetched.page.end(),
                pages.begin() + static_cast<ptrdiff_t>(fetched.position * page_size));
    }
    return absl::OkStatus();
  };
  STRATA_RETURN_IF_ERROR(FetchPages(chain, chosen, threads, keep));
  for (size_t i = 0; i < chosen.size(); ++i) {
    samples.Offer(io::ByteView(pages).subspan(i * page_size, page_size));
  }
  return samples;
}

absl::StatusOr<std::shared_ptr<const Dictionary>> ChoosePageDictionary(
    io::ObjectStore* store, absl::string_view ns, const SegmentChain& chain, size_t threads,
    io::Clock* clock, const DictionaryOptions& options) {
  if (options.fewest_pages == 0) return nullptr;
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<const Dictionary> newest,
                          segment::FindNewestDictionary(*store, ns, DictionaryKind::kPages));
  if (!options.train && chain.commit().database_pages < options.fewest_pages) return newest;
  STRATA_ASSIGN_OR_RETURN(const TrainingSamples samples, SamplePages(chain, threads));
  uint32_t with_newest = 1000;
  if (newest != nullptr) {
    STRATA_ASSIGN_OR_RETURN(with_newest, segment::MeasureRatio(samples, 0, samples.pages(),
                                                               newest.get(), options.zstd_level));
    if (!options.train && !IsNoticeablyWorse(with_newest, newest->sample_ratio())) return newest;
  }
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<const Dictionary> trained,
                          segment::TrainDictionary(samples, DictionaryKind::kPages,
                                                   options.zstd_level, clock->NowMicros()));
  if (trained == nullptr || trained->sample_ratio() >= with_newest) return newest;
  STRATA_RETURN_IF_ERROR(segment::PutDictionary(*store, ns, *trained));
  return trained;
}

}  // namespace strata::compactor
