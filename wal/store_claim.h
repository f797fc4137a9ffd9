#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/object_store.h"
#include "segment/manifest_log.h"
#include "wal/log_state.h"

// Whose namespace it is. A writer claims an epoch before its first segment and looks, with each
// change it makes to the manifest, whether somebody claimed a later one. Rules:
// docs/store_layout.md, "Epoch claims".
namespace strata::wal {

// One call at a time (LogState::maintenance).
class StoreClaim {
 public:
  explicit StoreClaim(LogState* state) : state_(*state) {}

  void SetStore(io::ObjectStore* store, std::string identity_path) {
    store_ = store;
    identity_path_ = std::move(identity_path);
  }

  // A claim has still to be made: the first one, one that was begun, or a takeover.
  bool is_due() const;

  // Before EditsFor: makes the claim's nonce durable, by which it will be recognised.
  absl::Status Prepare();

  // The edits that make the claim: none when the newest claim is ours already. `first_frame` is the
  // first that this writer will ship. FailedPrecondition: the namespace is another writer's, and
  // there is no takeover.
  absl::StatusOr<segment::ManifestEdits> EditsFor(const segment::ManifestEdits& state,
                                                  segment::FrameNo first_frame);

  // After the change: the claim is this writer's from now on, durably.
  absl::Status Adopt(const segment::ManifestEdits& state);

  // FailedPrecondition when the newest claim is another writer's: this one is fenced.
  absl::Status CheckHeld(const segment::ManifestEdits& state) const;

  // FailedPrecondition, unless the namespace may be claimed now.
  absl::Status CheckMayClaim(const segment::ManifestEdits& state) const;

  // Made by this log, or a copy of its files.
  bool IsOurs(const segment::EpochClaim& claim) const;

 private:
  absl::Status SaveIdentity(Identity identity);
  absl::StatusOr<segment::EpochClaim> PutClaim(segment::EpochClaim claim);

  LogState& state_;
  io::ObjectStore* store_ = nullptr;
  std::string identity_path_;
  bool took_over_ = false;
};

}  // namespace strata::wal
