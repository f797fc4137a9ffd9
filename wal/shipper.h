#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/object_store.h"
#include "segment/dictionary_store.h"
#include "segment/manifest_log.h"
#include "segment/segment_reader.h"
#include "wal/sealer.h"
#include "wal/store_claim.h"

// Brings a log into its store: the claim of its epoch, the base image, then one sealed segment
// after the other. A segment counts from the moment that the manifest names it.
namespace strata::wal {

// One call at a time (LogState::maintenance).
class Shipper {
 public:
  Shipper(LogState* state, Checkpointer* checkpointer, Sealer* sealer)
      : state_(*state), checkpointer_(*checkpointer), sealer_(*sealer), claim_(state) {}

  void SetStore(io::ObjectStore* store, std::string identity_path);
  bool has_store() const { return store_ != nullptr; }

  // Seals and ships the log up to `up_to` (a visible commit), in as many segments as it takes,
  // until `deadline_us` (monotonic): what was begun before is finished, unless
  // LogState::give_up_at_us passes, which is Unavailable. DeadlineExceeded when some is left.
  // FailedPrecondition: shipping has ended for good, because the namespace belongs to another
  // writer or the store is ahead of the log; the log refuses commits then. Other errors are the
  // store's; try again.
  absl::Status ShipUpTo(segment::FrameNo up_to, int64_t deadline_us);

  // Puts the hint right that readers start from, when it is behind and `now_us` (monotonic) is late
  // enough; returns when it will be, nullopt when it is right.
  std::optional<int64_t> WriteHintIfDue(int64_t now_us);
  void WriteHint();  // at a close

  // Before the log's first frame: FailedPrecondition when the namespace is another database's,
  // else the store's error.
  absl::Status CheckFirstContact();

  // What ended shipping for good, or OK. Any thread.
  absl::Status stopped() const;

 private:
  enum class OnDifference { kError, kEnd };
  absl::Status Attach();
  absl::Status Claim();
  absl::Status OlderStore(segment::FrameNo end);
  absl::Status TakeOverProgress();
  absl::StatusOr<segment::FrameNo> Follow(const segment::ManifestEdits& all,
                                          OnDifference on_difference);
  absl::Status FollowBase(const segment::ManifestEdits& all);
  absl::StatusOr<segment::FrameNo> FirstOfClaim(const segment::ManifestEdits& state);
  absl::Status CheckNothingIsCutOff(const segment::ManifestEdits& all, segment::FrameNo end);
  const segment::SegmentKey* NextStored(const segment::ManifestEdits& all,
                                        segment::FrameNo end) const;
  absl::Status CheckSame(const segment::SegmentReader& reader, segment::FrameNo end);
  absl::Status CheckNotCut(const segment::ManifestEdits& state);
  absl::Status ShipBase();
  absl::StatusOr<std::unique_ptr<segment::SegmentReader>> OpenStored(
      const segment::SegmentKey& key);
  absl::StatusOr<SealedSegment> FindShipped(const segment::SegmentKey& key);
  absl::Status ShipNext(segment::FrameNo up_to);
  absl::Status Publish(const SealedSegment& sealed);
  absl::StatusOr<segment::ManifestEdits> AddOf(const SealedSegment& sealed,
                                               const segment::ManifestEdits& state);
  segment::FrameNo sealed_frame();
  void LeaveNotice();
  void Advance(segment::FrameNo sealed, uint64_t digest);
  absl::Status StopIfFenced(const absl::Status& status);
  absl::Status Stop(absl::Status why);

  LogState& state_;
  Checkpointer& checkpointer_;
  Sealer& sealer_;
  StoreClaim claim_;
  io::ObjectStore* store_ = nullptr;
  segment::DictionaryCache dictionaries_;
  std::unique_ptr<segment::ManifestLog> manifests_;
  bool attached_ = false;
  bool cleaned_ = false;         // of what uploads of killed processes left
  segment::FrameNo unanswered_;  // a segment that ends here may be in the store already
  std::optional<int64_t> hint_due_us_;
  uint64_t noticed_ = 0;  // period of the last notice
  mutable io::Mutex mutex_;
  absl::Status stopped_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
