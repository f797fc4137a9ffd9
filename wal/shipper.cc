#include "wal/shipper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/object_stream.h"
#include "io/status_macros.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"

namespace strata::wal {

using segment::EpochClaim;
using segment::FrameNo;
using segment::StoredSegment;

absl::Status Shipper::stopped() const {
  io::MutexLock lock(&mutex_);
  return stopped_;
}

absl::Status Shipper::Stop(absl::Status why) {
  state_.environment.logger->Log(io::Severity::kError, std::string(why.message()));
  io::MutexLock lock(&mutex_);
  stopped_ = why;
  return why;
}

absl::Status Shipper::ShipUpTo(FrameNo up_to, int64_t deadline_us) {
  STRATA_RETURN_IF_ERROR(stopped());
  STRATA_RETURN_IF_ERROR(Attach());
  STRATA_RETURN_IF_ERROR(state_.commits->WaitSynced(up_to));
  for (;;) {
    {
      io::MutexLock lock(&state_.append_mutex);
      if (state_.progress.shipped >= up_to) return absl::OkStatus();
    }
    if (state_.environment.clock->MonotonicMicros() >= deadline_us) {
      return absl::DeadlineExceededError(
          absl::StrCat("the store ", store_->url(), " does not have everything yet"));
    }
    STRATA_RETURN_IF_ERROR(ShipNext(up_to));
  }
}

absl::Status Shipper::Attach() {
  if (attached_) return absl::OkStatus();
  if (state_.identity.epoch.value() == 0) STRATA_RETURN_IF_ERROR(ClaimEpoch());
  STRATA_ASSIGN_OR_RETURN(
      const std::vector<StoredSegment> stored,
      segment::ListSegments(*store_, state_.identity.name_space, state_.identity.log_id));
  STRATA_RETURN_IF_ERROR(FindOrWriteBase(stored));
  STRATA_RETURN_IF_ERROR(FollowStore(stored));
  if (!std::exchange(cleaned_, true)) {
    const absl::Status cleaned = store_->RemoveLeftovers(state_.identity.name_space + "/").status();
    if (!cleaned.ok())
      state_.environment.logger->Log(io::Severity::kWarning, std::string(cleaned.message()));
  }
  attached_ = true;
  return absl::OkStatus();
}

absl::Status Shipper::ClaimEpoch() {
  const std::string& ns = state_.identity.name_space;
  STRATA_ASSIGN_OR_RETURN(const std::vector<EpochClaim> claims, segment::ListEpochs(*store_, ns));
  if (!claims.empty() && claims.back().log_id != state_.identity.log_id &&
      claims.back().log_id != state_.identity.parent_log_id) {
    return Stop(absl::FailedPreconditionError(
        absl::StrCat("namespace ", ns, " in ", store_->url(), " belongs to another database (log ",
                     segment::ToString(claims.back().log_id), "): choose another namespace")));
  }
  EpochClaim claim;
  claim.log_id = state_.identity.log_id;
  claim.parent_log_id = state_.identity.parent_log_id;
  claim.parent_frame = state_.identity.parent_frame;
  claim.epoch = claims.empty() ? segment::Epoch(1) : claims.back().epoch.next();
  claim.first_frame = FrameNo(1);
  claim.page_size = state_.identity.page_size;
  claim.writer_nonce = state_.environment.random->Next64();
  claim.created_us = state_.environment.clock->NowMicros();
  STRATA_RETURN_IF_ERROR(io::PutObject(*store_, segment::BuildEpochKey(ns, claim.epoch),
                                       io::IfPresent::kFail, segment::EncodeEpochClaim(claim)));
  state_.identity.epoch = claim.epoch;
  STRATA_RETURN_IF_ERROR(
      WriteIdentity(*state_.environment.files, identity_path_, state_.identity, state_.ownership));
  state_.identity_version.store(state_.shared.has_identity.fetch_add(1) + 1);
  return absl::OkStatus();
}

absl::Status Shipper::FindOrWriteBase(const std::vector<StoredSegment>& stored) {
  const FrameNo base = state_.identity.base_frame;
  {
    io::MutexLock lock(&state_.append_mutex);
    if (base == FrameNo(0) || state_.progress.sealed >= base) return absl::OkStatus();
  }
  for (const StoredSegment& segment : stored) {
    if (segment.key.first != FrameNo(1) || segment.key.last != base ||
        segment.key.level == segment::kSealedLevel)
      continue;
    STRATA_ASSIGN_OR_RETURN(const auto reader, OpenStored(segment));
    Advance(base, reader->commits().back().digest);
    return absl::OkStatus();
  }
  STRATA_ASSIGN_OR_RETURN(io::File * database, checkpointer_.database());
  STRATA_ASSIGN_OR_RETURN(const uint64_t digest, WriteBaseImage(state_, *database, *store_));
  Advance(base, digest);
  return absl::OkStatus();
}

// Takes over what an earlier run shipped and had no time to note.
absl::Status Shipper::FollowStore(const std::vector<StoredSegment>& stored) {
  FrameNo end;
  {
    io::MutexLock lock(&state_.append_mutex);
    end = state_.progress.sealed;
  }
  const StoredSegment* newest = nullptr;
  for (const StoredSegment& segment : stored) {
    if (segment.key.level != segment::kSealedLevel || segment.key.first != end.next()) continue;
    end = segment.key.last;
    newest = &segment;
  }
  if (newest == nullptr) return absl::OkStatus();
  if (end > state_.commits->appended().frame) {
    return Stop(absl::FailedPreconditionError(absl::StrCat(
        state_.directory, ": the log ends at frame ", state_.commits->appended().frame.value(),
        ", the store already has frame ", end.value(), ": this is an older copy of the database")));
  }
  STRATA_ASSIGN_OR_RETURN(const auto reader, OpenStored(*newest));
  STRATA_RETURN_IF_ERROR(CheckSameHistory(*reader));
  Advance(end, reader->commits().back().digest);
  return absl::OkStatus();
}

// Frame by frame, with the times of the commits: the digest cannot be worked out here, because a
// checkpoint that was cut may have put pages of these very frames into the database file.
absl::Status Shipper::CheckSameHistory(const segment::SegmentReader& reader) {
  const auto list = state_.files.list();
  std::vector<uint8_t> theirs(state_.identity.page_size);
  std::vector<uint8_t> ours(state_.identity.page_size);
  segment::RecentPages recent;
  for (uint64_t ordinal = 0; ordinal < reader.footer().frames; ++ordinal) {
    STRATA_ASSIGN_OR_RETURN(const auto entries, reader.ReadDirectory(ordinal, 1));
    STRATA_ASSIGN_OR_RETURN(
        const segment::FrameHeader there,
        reader.ReadFrame(ordinal, entries.front(), &recent, absl::MakeSpan(theirs)));
    STRATA_ASSIGN_OR_RETURN(const segment::FrameHeader here,
                            ReadLogFrame(*list, there.frame, absl::MakeSpan(ours)));
    const bool same = here.page == there.page && here.is_commit == there.is_commit &&
                      here.commit_time_us == there.commit_time_us && ours == theirs;
    if (same) continue;
    return Stop(absl::FailedPreconditionError(
        absl::StrCat(state_.directory, ": the store has another frame ", there.frame.value(),
                     ": this is a copy of the database that went its own way")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<segment::SegmentReader>> Shipper::OpenStored(
    const StoredSegment& stored) {
  const std::string key = segment::BuildSegmentKey(state_.identity.name_space, stored.key);
  STRATA_ASSIGN_OR_RETURN(auto source, io::ObjectSource::Open(store_, key));
  STRATA_ASSIGN_OR_RETURN(
      auto reader, segment::SegmentReader::Open(
                       std::move(source), std::make_shared<segment::StoredDictionaries>(
                                              store_, &dictionaries_, state_.identity.name_space)));
  if (reader->commits().empty()) return absl::DataLossError(absl::StrCat(key, ": no commit in it"));
  return reader;
}

absl::Status Shipper::ShipNext(FrameNo up_to) {
  STRATA_ASSIGN_OR_RETURN(const FrameNo last, sealer_.EndOfNext(up_to));
  state_.unsealed_since_us.store(0, std::memory_order_relaxed);
  absl::StatusOr<uint64_t> digest = sealer_.Write(last, *store_);
  if (digest.ok()) {
    Advance(last, *digest);
    return absl::OkStatus();
  }
  state_.unsealed_since_us.store(state_.environment.clock->MonotonicMicros(),
                                 std::memory_order_relaxed);
  attached_ = false;  // an answer may have been lost after the store acted: look again
  return digest.status();
}

void Shipper::Advance(FrameNo sealed, uint64_t digest) {
  io::MutexLock lock(&state_.append_mutex);
  state_.progress.sealed = sealed;
  state_.progress.sealed_digest = digest;
  state_.progress.shipped = sealed;
  state_.PublishProgress();
}

}  // namespace strata::wal
