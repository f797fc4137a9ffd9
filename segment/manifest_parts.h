#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "io/random.h"
#include "segment/manifest.h"

// The objects that hold what is too much to stand in every base and hint: docs/store_layout.md,
// "Parts".
namespace strata::segment {

class ManifestParts {
 public:
  // All of these outlive it.
  ManifestParts(io::ObjectStore* store, std::string ns, io::Clock* clock, io::Random* random)
      : store_(*store), ns_(std::move(ns)), clock_(*clock), random_(*random) {}

  // DataLoss: not the part that `part` describes.
  absl::StatusOr<ManifestEdits> Read(const ManifestPart& part);

  // Puts the segments of `edits`, the changes [from, to], into a part behind the others, and merges
  // parts of like size, so that their number grows with the logarithm of the segments (and by one
  // for every 32768 of them).
  absl::Status Append(uint64_t from, uint64_t to, const ManifestEdits& edits,
                      std::vector<ManifestPart>* parts);

  // One part [1, to] of what is there now, in place of all others.
  absl::StatusOr<ManifestPart> Write(uint64_t from, uint64_t to, const ManifestEdits& edits);

 private:
  absl::StatusOr<bool> MergeLast(std::vector<ManifestPart>* parts);

  io::ObjectStore& store_;
  const std::string ns_;
  io::Clock& clock_;
  io::Random& random_;
};

}  // namespace strata::segment
