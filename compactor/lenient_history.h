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
  std::vector<VerifyFinding> notes;  // objects that no manifest names
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

// Like LoadHistory, but by listing, which is compared with what the manifest says; and what does
// not belong there, is missing or is damaged becomes a finding. Errors are the store's.
//
// `read_all_manifests` reads each object of the manifest, also those that readers need no more; one
// request each.
absl::StatusOr<LenientHistory> LoadLenientHistory(io::ObjectStore* store, absl::string_view ns,
                                                  bool read_all_manifests);

}  // namespace strata::compactor
