#include "wal/store_claim.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "io/clock.h"
#include "io/status_macros.h"
#include "segment/store_listing.h"

namespace strata::wal {

using segment::EpochClaim;
using segment::FrameNo;
using segment::ManifestEdits;

namespace {

std::string Described(const EpochClaim& claim) {
  return absl::StrCat("epoch ", claim.epoch.value(), " of log ", segment::ToString(claim.log_id),
                      ", claimed at ", io::FormatTime(claim.created_us), ", from frame ",
                      claim.first_frame.value(), " on");
}

}  // namespace

bool StoreClaim::is_due() const {
  return state_.identity.epoch.value() == 0 || state_.identity.next_nonce != 0 ||
         (state_.options.takeover && !took_over_);
}

// First on disk, then here, so that nothing goes on under what a crash would take back. Other
// processes read it again.
absl::Status StoreClaim::SaveIdentity(Identity identity) {
  STRATA_RETURN_IF_ERROR(
      WriteIdentity(*state_.environment.files, identity_path_, identity, state_.ownership));
  io::MutexLock lock(&state_.append_mutex);
  state_.identity.epoch = identity.epoch;  // the rest is the same, and others read it
  state_.identity.writer_nonce = identity.writer_nonce;
  state_.identity.next_nonce = identity.next_nonce;
  state_.identity_version.store(state_.shared.has_identity.fetch_add(1) + 1);
  return absl::OkStatus();
}

absl::Status StoreClaim::Prepare() {
  if (!is_due() || state_.identity.next_nonce != 0) return absl::OkStatus();
  Identity identity = state_.identity;
  while (identity.next_nonce == 0) identity.next_nonce = state_.environment.random->Next64();
  return SaveIdentity(std::move(identity));
}

bool StoreClaim::IsOurs(const EpochClaim& claim) const {
  const Identity& identity = state_.identity;
  if (claim.log_id != identity.log_id) return false;
  if (identity.next_nonce != 0 && claim.writer_nonce == identity.next_nonce) return true;
  // An older release did not note its nonce.
  const bool same_writer =
      identity.writer_nonce == 0 || claim.writer_nonce == identity.writer_nonce;
  return same_writer && claim.epoch == identity.epoch;
}

absl::Status StoreClaim::CheckMayClaim(const ManifestEdits& state) const {
  const Identity& identity = state_.identity;
  const EpochClaim* newest = state.newest_claim();
  const std::string place = absl::StrCat("namespace ", identity.name_space, " in ", store_->url());
  if (newest == nullptr && identity.epoch.value() != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        place, " has lost everything that ", state_.directory, " has shipped (its epoch is ",
        identity.epoch.value(), "): put it back, or start a new history"));
  }
  const bool free = newest == nullptr || IsOurs(*newest) || state_.options.takeover ||
                    newest->log_id == identity.parent_log_id;
  if (free) return absl::OkStatus();
  if (newest->log_id != identity.log_id) {
    return absl::FailedPreconditionError(
        absl::StrCat(place, " belongs to another database (", Described(*newest),
                     "): choose another namespace, or open with takeover=1"));
  }
  return CheckHeld(state);
}

absl::Status StoreClaim::CheckHeld(const ManifestEdits& state) const {
  const EpochClaim* newest = state.newest_claim();
  if (newest != nullptr && IsOurs(*newest)) return absl::OkStatus();
  const Identity& identity = state_.identity;
  return absl::FailedPreconditionError(
      absl::StrCat(state_.directory, ": namespace ", identity.name_space, " in ", store_->url(),
                   " was taken over by another writer (",
                   newest == nullptr ? std::string("its claims are gone") : Described(*newest),
                   "); this one has epoch ", identity.epoch.value(), " and ships no more"));
}

// Somebody else's claim under that number, of which the manifest knows nothing (yet), does not
// count: the next number it is.
absl::StatusOr<EpochClaim> StoreClaim::PutClaim(EpochClaim claim) {
  const std::string& ns = state_.identity.name_space;
  for (;; claim.epoch = claim.epoch.next()) {
    const absl::Status put = io::PutObject(*store_, segment::BuildEpochKey(ns, claim.epoch),
                                           io::IfPresent::kFail, EncodeEpochClaim(claim));
    if (put.ok()) return claim;
    if (!absl::IsFailedPrecondition(put)) return put;
    STRATA_ASSIGN_OR_RETURN(const EpochClaim there,
                            segment::ReadEpochClaim(*store_, ns, claim.epoch));
    const bool is_retry = there.writer_nonce == claim.writer_nonce &&
                          there.log_id == claim.log_id && there.first_frame == claim.first_frame;
    if (is_retry) return there;
  }
}

absl::StatusOr<ManifestEdits> StoreClaim::EditsFor(const ManifestEdits& state,
                                                   FrameNo first_frame) {
  ManifestEdits edits;
  const EpochClaim* newest = state.newest_claim();
  const Identity& identity = state_.identity;
  if (newest != nullptr && IsOurs(*newest)) {
    const bool is_new = newest->writer_nonce == identity.next_nonce;
    if (is_new || !is_due()) return edits;
  }
  STRATA_RETURN_IF_ERROR(CheckMayClaim(state));
  EpochClaim claim;
  claim.log_id = identity.log_id;
  claim.parent_log_id = identity.parent_log_id;
  claim.parent_frame = identity.parent_frame;
  claim.epoch = newest == nullptr ? segment::Epoch(1) : newest->epoch.next();
  claim.first_frame = first_frame;
  claim.page_size = identity.page_size;
  claim.writer_nonce = identity.next_nonce;
  claim.created_us = state_.environment.clock->NowMicros();
  STRATA_ASSIGN_OR_RETURN(claim, PutClaim(claim));
  edits.claims[claim.epoch] = claim;
  return edits;
}

absl::Status StoreClaim::Adopt(const ManifestEdits& state) {
  STRATA_RETURN_IF_ERROR(CheckHeld(state));
  const EpochClaim& newest = *state.newest_claim();
  took_over_ |= state_.identity.next_nonce != 0;
  const bool is_known = state_.identity.epoch == newest.epoch &&
                        state_.identity.writer_nonce == newest.writer_nonce &&
                        state_.identity.next_nonce == 0;
  if (is_known) return absl::OkStatus();
  Identity identity = state_.identity;
  identity.epoch = newest.epoch;
  identity.writer_nonce = newest.writer_nonce;
  identity.next_nonce = 0;
  return SaveIdentity(std::move(identity));
}

}  // namespace strata::wal
