#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/clock.h"
#include "io/object_store.h"
#include "io/random.h"
#include "segment/manifest.h"
#include "segment/manifest_parts.h"

namespace strata::segment {

// The end of a namespace's chain of changes, held without reading its parts.
struct ManifestTip {
  uint64_t number = 0;  // of the newest change; 0: there are no manifests
  int64_t created_us = 0;
  std::vector<ManifestPart> parts;  // the segments of the changes before `recent_from`
  uint64_t recent_from = 1;
  // All claims, ends, pins and the policy; of the segments, those that changed since `recent_from`.
  ManifestEdits recent;
};

// One namespace's changes in a store: followed, and added to by put-if-absent, so that of any
// number of writers one succeeds and the others see what it did before they try again. Protocol:
// docs/store_layout.md, "Manifests". One thread at a time.
class ManifestLog {
 public:
  // All of these outlive it.
  ManifestLog(io::ObjectStore* store, std::string ns, io::Clock* clock, io::Random* random)
      : store_(*store),
        ns_(ns),
        clock_(*clock),
        random_(*random),
        parts_(store, std::move(ns), clock, random) {}

  // Finds the newest change: the hint and the change behind it are two requests; later calls take
  // one and one for each new change. A namespace without manifests: tip().number is 0.
  absl::Status Refresh();
  const ManifestTip& tip() const { return tip_; }

  // Everything there is: reads the parts, one request each.
  absl::StatusOr<ManifestEdits> ReadAll();
  // From now on what was read of parts is kept until others take their place, so that reading all
  // again after somebody else's change takes no request. Memory: about 100 bytes a segment.
  void KeepParts() { keeps_parts_ = true; }

  // What to change, given the state so far (as ManifestTip::recent); empty when nothing is left to
  // do, an error when the change makes no sense any more. Called again after somebody else's
  // change, so that an error stands only when the newest state is the reason.
  using MakeEdits = std::function<absl::StatusOr<ManifestEdits>(const ManifestEdits& recent)>;

  // Adds a change. The first one of a namespace that has segments but no manifests takes over what
  // listing finds, also when it is empty otherwise. OK: it is durable, or was empty. After other
  // errors than `make`'s it may be there or not: call again, `make` will see.
  absl::Status Publish(const MakeEdits& make);

  // As Publish, and puts one part in the place of all (which must fit into one).
  absl::Status PublishWithNewParts(const MakeEdits& make);

  // The overwritable object that spares readers the way from the last base.
  absl::Status WriteHint();
  uint64_t changes_behind_hint() const { return tip_.number - hinted_; }

 private:
  enum class Parts { kAsNeeded, kRewrite };
  absl::StatusOr<ManifestEdits> ReadParts();
  absl::Status ReadHint();
  absl::Status FindByListing();
  absl::Status Follow();
  absl::StatusOr<bool> JumpToNextBase();
  absl::StatusOr<Manifest> ReadChange(uint64_t number);
  void Apply(Manifest change);
  absl::Status ImportListed();
  absl::Status Publish(const MakeEdits& make, Parts parts);
  absl::StatusOr<Manifest> NewChange(ManifestEdits edits, Parts parts);
  absl::Status MakeBase(Parts parts, Manifest* change);
  absl::StatusOr<bool> Put(const Manifest& change);
  absl::StatusOr<bool> IsStillNewest(uint64_t number, int64_t sent_us);

  io::ObjectStore& store_;
  const std::string ns_;
  io::Clock& clock_;
  io::Random& random_;
  ManifestParts parts_;
  ManifestTip tip_;
  bool keeps_parts_ = false;
  std::vector<ManifestPart> kept_parts_;
  ManifestEdits kept_;  // what is in kept_parts_
  bool loaded_ = false;
  bool uncertain_ = false;    // an answer is missing: look before the next change
  bool is_imported_ = false;  // tip_.recent is what listing found, and in no change yet
  uint64_t hinted_ = 0;       // newest change that the hint was seen or made to hold
  int64_t confirmed_us_ = 0;  // monotonic; then the tip was the newest
};

}  // namespace strata::segment
