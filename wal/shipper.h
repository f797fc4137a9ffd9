#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/object_store.h"
#include "segment/dictionary_store.h"
#include "segment/segment_reader.h"
#include "segment/store_listing.h"
#include "wal/sealer.h"

// Brings a log into its store: the claim of its epoch, the base image, then one sealed segment
// after the other.
namespace strata::wal {

// One call at a time (LogState::maintenance).
class Shipper {
 public:
  Shipper(LogState* state, Checkpointer* checkpointer, Sealer* sealer)
      : state_(*state), checkpointer_(*checkpointer), sealer_(*sealer) {}

  void SetStore(io::ObjectStore* store, std::string identity_path) {
    store_ = store;
    identity_path_ = std::move(identity_path);
  }
  bool has_store() const { return store_ != nullptr; }

  // Seals and ships the log up to `up_to` (a visible commit), in as many segments as it takes,
  // until `deadline_us` (monotonic). DeadlineExceeded when some is left. FailedPrecondition:
  // shipping has ended for good, because the namespace belongs to another history or the store is
  // ahead of the log; the log refuses commits then. Other errors are the store's; try again.
  absl::Status ShipUpTo(segment::FrameNo up_to, int64_t deadline_us);

  // What ended shipping for good, or OK. Any thread.
  absl::Status stopped() const;

 private:
  absl::Status Attach();
  absl::Status ClaimEpoch();
  absl::Status FollowStore(const std::vector<segment::StoredSegment>& stored);
  absl::Status FindOrWriteBase(const std::vector<segment::StoredSegment>& stored);
  absl::StatusOr<std::unique_ptr<segment::SegmentReader>> OpenStored(
      const segment::StoredSegment& stored);
  absl::Status CheckSameHistory(const segment::SegmentReader& reader);
  absl::Status ShipNext(segment::FrameNo up_to);
  void Advance(segment::FrameNo sealed, uint64_t digest);
  absl::Status Stop(absl::Status why);

  LogState& state_;
  Checkpointer& checkpointer_;
  Sealer& sealer_;
  io::ObjectStore* store_ = nullptr;
  std::string identity_path_;
  segment::DictionaryCache dictionaries_;
  bool attached_ = false;
  bool cleaned_ = false;  // of what uploads of killed processes left
  mutable io::Mutex mutex_;
  absl::Status stopped_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
