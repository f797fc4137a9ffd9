#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compactor/segment_chain.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "segment/dictionary_training.h"

namespace strata::compactor {

struct DictionaryOptions {
  uint64_t fewest_pages = 2'000;  // a smaller result is not worth a first dictionary; 0: never one
  bool train = false;             // a new one, whatever there is
  int zstd_level = 6;
};

// Pages all over the result of merging `chain`, at most TrainingSamples::kMaxBytes of them.
absl::StatusOr<segment::TrainingSamples> SamplePages(const SegmentChain& chain, size_t threads);

// The dictionary for the result of merging `chain`: the newest of the namespace, or a newly trained
// one where there is none, or where the newest does noticeably worse on these pages than it did on
// those it was measured on. A new one is in the store before it is returned. Null when none pays.
absl::StatusOr<std::shared_ptr<const segment::Dictionary>> ChoosePageDictionary(
    io::ObjectStore* store, absl::string_view ns, const SegmentChain& chain, size_t threads,
    io::Clock* clock, const DictionaryOptions& options);

}  // namespace strata::compactor
