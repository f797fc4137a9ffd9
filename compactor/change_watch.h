#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/clock.h"
#include "io/object_store.h"

namespace strata::compactor {

// Which namespaces of a store changed, whatever their number, at one request a look when none did.
// A namespace is reported when a notice of it appears, and once more when the notice's period is
// over: what was shipped in between has no notice of its own. One thread at a time.
class ChangeWatch {
 public:
  // Both outlive it.
  ChangeWatch(io::ObjectStore* store, io::Clock* clock) : store_(*store), clock_(*clock) {}

  // Those that changed since the last look; at the first one, within the last day. Writers whose
  // clocks are wrong by more than ten minutes may be missed.
  absl::StatusOr<std::set<std::string>> Poll();

  // Deletes notices that are older than a day. Returns their number.
  absl::StatusOr<uint64_t> RemoveOld();

 private:
  io::ObjectStore& store_;
  io::Clock& clock_;
  bool has_polled_ = false;
  std::map<std::string, uint64_t> newest_;  // period of the newest notice
  std::map<std::string, uint64_t> open_;    // to be reported again after this period
};

}  // namespace strata::compactor
