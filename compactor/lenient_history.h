#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compactor/history.h"
#include "compactor/verify.h"
#include "io/object_store.h"

namespace strata::compactor {

// A namespace's history as far as its objects can be understood, and what is wrong with the others.
struct LenientHistory {
  NamespaceHistory history;
  std::vector<VerifyFinding> findings;
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

// Like LoadHistory, but what does not belong there or is damaged becomes a finding. Errors are the
// store's.
absl::StatusOr<LenientHistory> LoadLenientHistory(io::ObjectStore* store, absl::string_view ns);

}  // namespace strata::compactor
