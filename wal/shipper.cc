#include "wal/shipper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/object_stream.h"
#include "io/status_macros.h"
#include "segment/change_notice.h"
#include "segment/segment_reader.h"
#include "segment/store_layout.h"
#include "wal/adoption.h"
#include "wal/shipped_comparison.h"

namespace strata::wal {

using segment::FrameNo;
using segment::ManifestEdits;
using segment::SegmentKey;

namespace {
constexpr uint64_t kChangesBehindHint = 8;    // then the hint is written anew,
constexpr int64_t kHintAfterUs = 10'000'000;  // or this long after the first of them

bool HasClaimOf(const ManifestEdits& state, const segment::LogId& log_id) {
  return std::any_of(state.claims.begin(), state.claims.end(),
                     [&](const auto& each) { return each.second.log_id == log_id; });
}

}  // namespace

void Shipper::SetStore(io::ObjectStore* store, std::string identity_path) {
  store_ = store;
  claim_.SetStore(store, std::move(identity_path));
  manifests_ = std::make_unique<segment::ManifestLog>(
      store, state_.identity.name_space, state_.environment.clock, state_.environment.random);
}

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

// Whatever a precondition says about the namespace will not change by trying again.
absl::Status Shipper::StopIfFenced(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) ? Stop(status) : status;
}

FrameNo Shipper::sealed_frame() {
  io::MutexLock lock(&state_.append_mutex);
  return state_.progress.sealed;
}

absl::Status Shipper::ShipUpTo(FrameNo up_to, int64_t deadline_us) {
  STRATA_RETURN_IF_ERROR(stopped());
  STRATA_RETURN_IF_ERROR(Attach());
  STRATA_RETURN_IF_ERROR(state_.commits->WaitSynced(up_to));
  while (sealed_frame() < up_to) {
    const int64_t until = std::min(deadline_us, state_.give_up_at_us.load());
    if (state_.environment.clock->MonotonicMicros() >= until) {
      return absl::DeadlineExceededError(
          absl::StrCat("the store ", store_->url(), " does not have everything yet"));
    }
    const bool has_base = sealed_frame() >= state_.identity.base_frame;
    const absl::Status status = has_base ? ShipNext(up_to) : ShipBase();
    if (!status.ok()) attached_ = false;  // an answer may have been lost after the store acted
    STRATA_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::Status Shipper::CheckFirstContact() {
  STRATA_RETURN_IF_ERROR(manifests_->Refresh());
  return claim_.CheckMayClaim(manifests_->tip().recent);
}

absl::Status Shipper::Attach() {
  if (attached_) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(manifests_->Refresh());
  STRATA_RETURN_IF_ERROR(Claim());
  STRATA_RETURN_IF_ERROR(TakeOverProgress());
  if (!std::exchange(cleaned_, true)) {
    const absl::Status cleaned = store_->RemoveLeftovers(state_.identity.name_space + "/").status();
    if (!cleaned.ok())
      state_.environment.logger->Log(io::Severity::kWarning, std::string(cleaned.message()));
  }
  attached_ = true;
  return absl::OkStatus();
}

absl::Status Shipper::Claim() {
  if (claim_.is_due() || manifests_->tip().number == 0) {
    STRATA_RETURN_IF_ERROR(claim_.Prepare());
    const absl::Status claimed = manifests_->Publish([this](const ManifestEdits& state) {
      return [&]() -> absl::StatusOr<ManifestEdits> {
        STRATA_RETURN_IF_ERROR(claim_.CheckMayClaim(state));
        FrameNo first_frame(1);
        // Also for a takeover that an earlier run began and was not there to finish.
        if (state_.options.takeover || HasClaimOf(state, state_.identity.log_id)) {
          STRATA_ASSIGN_OR_RETURN(first_frame, FirstOfClaim(state));
        }
        return claim_.EditsFor(state, first_frame);
      }();
    });
    STRATA_RETURN_IF_ERROR(StopIfFenced(claimed));
  }
  const ManifestEdits& state = manifests_->tip().recent;
  STRATA_RETURN_IF_ERROR(StopIfFenced(claim_.CheckHeld(state)));
  return claim_.Adopt(state);
}

// Behind what the store has and this log has too.
absl::StatusOr<FrameNo> Shipper::FirstOfClaim(const ManifestEdits& state) {
  STRATA_RETURN_IF_ERROR(CheckNotCut(state));
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, manifests_->ReadAll());
  STRATA_RETURN_IF_ERROR(FollowBase(all));
  STRATA_ASSIGN_OR_RETURN(const FrameNo end, Follow(all, OnDifference::kEnd));
  STRATA_RETURN_IF_ERROR(CheckNothingIsCutOff(all, end));
  return end.next();
}

// A claim cuts what the store has behind its first frame. A compacted segment cannot be cut: when
// only such ones hold the frames before, the claim would take those away as well.
absl::Status Shipper::CheckNothingIsCutOff(const ManifestEdits& all, FrameNo end) {
  const Identity& identity = state_.identity;
  const FrameNo stored = all.end_of(identity.log_id);
  if (stored < end) return OlderStore(stored);
  if (stored == FrameNo(0)) return absl::OkStatus();
  ManifestEdits after = all;
  segment::EpochClaim claim;
  claim.log_id = identity.log_id;
  claim.first_frame = end.next();
  after.claims[all.newest_claim()->epoch.next()] = claim;
  const bool base_stays = end >= identity.base_frame;
  if (base_stays && segment::ReachableEnd(after, identity.log_id) >= end) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      state_.directory, ": the store ", store_->url(), " has frames up to ", stored.value(),
      ", and this log agrees with them up to frame ", end.value(),
      " only, which lies inside merged segments: a takeover there would lose what is before it. ",
      "Restore the database from the store, or choose another namespace"));
}

// Another writer's claim may have taken away what this log holds for shipped, and no longer has.
absl::Status Shipper::CheckNotCut(const ManifestEdits& state) {
  const FrameNo sealed = sealed_frame();
  for (const auto& [epoch, claim] : state.claims) {
    const bool cuts = claim.log_id == state_.identity.log_id && epoch > state_.identity.epoch &&
                      state_.identity.epoch.value() != 0 && claim.first_frame <= sealed &&
                      !claim_.IsOurs(claim);
    if (!cuts) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(state_.directory, ": epoch ", epoch.value(), " took over at frame ",
                     claim.first_frame.value(), ", below frame ", sealed.value(),
                     ", up to which this log was shipped: it can only go on as a new history"));
  }
  return absl::OkStatus();
}

absl::Status Shipper::OlderStore(FrameNo end) {
  return absl::FailedPreconditionError(absl::StrCat(
      state_.directory, ": the store ", store_->url(), " ends at frame ", end.value(),
      ", but was shipped up to frame ", sealed_frame().value(), ": it is an older copy"));
}

// What an earlier run shipped and had no time to note.
absl::Status Shipper::TakeOverProgress() {
  const FrameNo end = manifests_->tip().recent.end_of(state_.identity.log_id);
  if (end < sealed_frame()) {
    return Stop(OlderStore(end));
  }
  if (end == sealed_frame()) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, manifests_->ReadAll());
  STRATA_RETURN_IF_ERROR(FollowBase(all));
  STRATA_ASSIGN_OR_RETURN(const FrameNo followed, Follow(all, OnDifference::kError));
  if (followed == end) return absl::OkStatus();
  return Stop(absl::FailedPreconditionError(absl::StrCat(
      state_.directory, ": the store has frames up to ", end.value(), ", but no segment ",
      "from frame ", followed.next().value(), " on that this log could be compared with")));
}

absl::Status Shipper::FollowBase(const ManifestEdits& all) {
  const FrameNo base = state_.identity.base_frame;
  if (base == FrameNo(0) || sealed_frame() >= base) return absl::OkStatus();
  for (const auto& [key, facts] : all.adds) {
    const bool is_base = key.log_id == state_.identity.log_id && key.first == FrameNo(1) &&
                         key.last == base && key.level != segment::kSealedLevel;
    if (!is_base || !segment::IsUnfenced(all, key)) continue;
    STRATA_ASSIGN_OR_RETURN(const auto reader, OpenStored(key));
    Advance(base, reader->commits().back().digest);
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

// The segment to compare with next, when the log agrees with the store up to `end`: the sealed one
// behind it, or the merged one that ends soonest. nullptr: none.
const SegmentKey* Shipper::NextStored(const ManifestEdits& all, FrameNo end) const {
  const SegmentKey* next = nullptr;
  SegmentKey from;
  from.log_id = state_.identity.log_id;
  for (auto at = all.adds.lower_bound(from); at != all.adds.end(); ++at) {
    const SegmentKey& key = at->first;
    if (key.log_id != from.log_id || key.first > end.next()) break;
    const bool is_sealed = key.level == segment::kSealedLevel;
    if (is_sealed ? key.first != end.next() : key.last <= end) continue;
    if (!segment::IsUnfenced(all, key)) continue;
    if (is_sealed) return &key;
    if (next == nullptr || key.last < next->last) next = &key;
  }
  return next;
}

absl::Status Shipper::CheckSame(const segment::SegmentReader& reader, FrameNo end) {
  const FrameNo tip = state_.commits->appended().frame;
  const FrameNo last = reader.footer().last_frame;
  if (last > tip) {
    return absl::FailedPreconditionError(absl::StrCat(
        state_.directory, ": the log ends at frame ", tip.value(), ", the store already has frame ",
        last.value(), ": this is an older copy of the database; restore the newer one, or ",
        "open with takeover=1 to give up what it has more"));
  }
  return reader.header().state == segment::SegmentState::kSealed
             ? CheckSameFrames(state_, reader)
             : CheckSameEnd(state_, reader, end);
}

// Goes along the segments that are in the store, as long as they hold what the log holds. Sealed
// ones may have been merged and deleted, while the log was closed or its marks were behind.
absl::StatusOr<FrameNo> Shipper::Follow(const ManifestEdits& all, OnDifference on_difference) {
  FrameNo end = sealed_frame();
  const FrameNo base = state_.identity.base_frame;
  // Of one log id there is one base, in whatever segment it lies by now.
  if (end < base && segment::ReachableEnd(all, state_.identity.log_id) >= base) end = base;
  if (end < base) return end;
  while (const SegmentKey* key = NextStored(all, end)) {
    STRATA_ASSIGN_OR_RETURN(const auto reader, OpenStored(*key));
    const absl::Status same = CheckSame(*reader, end);
    if (absl::IsFailedPrecondition(same) && on_difference == OnDifference::kEnd) break;
    STRATA_RETURN_IF_ERROR(StopIfFenced(same));
    end = key->last;
    Advance(end, reader->commits().back().digest);
  }
  return end;
}

absl::Status Shipper::ShipBase() {
  const SegmentKey key = KeyOfBase(state_);
  STRATA_ASSIGN_OR_RETURN(io::File * database, checkpointer_.database());
  absl::StatusOr<SealedSegment> base = WriteBaseImage(state_, *database, *store_);
  if (absl::IsFailedPrecondition(base.status())) {
    base = FindShipped(key);
    STRATA_RETURN_IF_ERROR(base.status());
    STRATA_ASSIGN_OR_RETURN(
        const uint64_t digest,
        DigestOfFile(*database, state_.identity.page_size, static_cast<uint32_t>(key.last.value()),
                     [this] { return state_.CheckMayShip(); }));
    if (digest != base->digest) {
      return Stop(absl::FailedPreconditionError(
          absl::StrCat(segment::BuildSegmentKey(state_.identity.name_space, key),
                       ": holds another database than ", state_.directory)));
    }
  }
  STRATA_RETURN_IF_ERROR(base.status());
  return Publish(*base);
}

absl::StatusOr<std::unique_ptr<segment::SegmentReader>> Shipper::OpenStored(
    const SegmentKey& stored) {
  const std::string key = segment::BuildSegmentKey(state_.identity.name_space, stored);
  STRATA_ASSIGN_OR_RETURN(auto source, io::ObjectSource::Open(store_, key));
  STRATA_ASSIGN_OR_RETURN(
      auto reader, segment::SegmentReader::Open(
                       std::move(source), std::make_shared<segment::StoredDictionaries>(
                                              store_, &dictionaries_, state_.identity.name_space)));
  if (reader->commits().empty()) return absl::DataLossError(absl::StrCat(key, ": no commit in it"));
  return reader;
}

// The object under a name that was to be written and is taken: this log's own, from an upload whose
// answer was lost, when log id, epoch, range and frames agree.
absl::StatusOr<SealedSegment> Shipper::FindShipped(const SegmentKey& key) {
  STRATA_ASSIGN_OR_RETURN(const auto reader, OpenStored(key));
  const segment::Footer& footer = reader->footer();
  const bool is_it = footer.log_id == key.log_id && footer.epoch == key.epoch &&
                     footer.first_frame == key.first && footer.last_frame == key.last;
  if (!is_it) {
    return absl::DataLossError(
        absl::StrCat(reader->source().name(), ": holds another segment than its name says"));
  }
  if (key.level == segment::kSealedLevel) STRATA_RETURN_IF_ERROR(CheckSameFrames(state_, *reader));
  SealedSegment sealed{key, {}, reader->commits().back().digest};
  sealed.facts.size = footer.segment_length;
  sealed.facts.commits = reader->commits().size();
  sealed.facts.first_time_us = reader->commits().front().time_us;
  sealed.facts.last_time_us = reader->commits().back().time_us;
  return sealed;
}

absl::Status Shipper::ShipNext(FrameNo up_to) {
  if (unanswered_ <= sealed_frame()) {
    STRATA_ASSIGN_OR_RETURN(unanswered_, sealer_.EndOfNext(up_to));
  }
  const FrameNo last = unanswered_;
  state_.unsealed_since_us.store(0, std::memory_order_relaxed);
  absl::StatusOr<SealedSegment> sealed = sealer_.Write(last, *store_);
  if (absl::IsFailedPrecondition(sealed.status())) sealed = FindShipped(sealer_.KeyOf(last));
  absl::Status status = StopIfFenced(sealed.status());
  if (status.ok()) status = Publish(*sealed);
  if (status.ok()) return status;
  state_.unsealed_since_us.store(state_.environment.clock->MonotonicMicros(),
                                 std::memory_order_relaxed);
  return status;
}

absl::Status Shipper::Publish(const SealedSegment& sealed) {
  STRATA_RETURN_IF_ERROR(StopIfFenced(
      manifests_->Publish([&](const ManifestEdits& state) { return AddOf(sealed, state); })));
  Advance(sealed.key.last, sealed.digest);
  const int64_t now_us = state_.environment.clock->MonotonicMicros();
  if (!hint_due_us_) hint_due_us_ = now_us + kHintAfterUs;
  WriteHintIfDue(now_us);
  LeaveNotice();
  return absl::OkStatus();
}

// For those who watch the whole store; whoever restores needs none.
void Shipper::LeaveNotice() {
  const uint64_t period = segment::NoticePeriodOf(state_.environment.clock->NowMicros());
  if (period == noticed_) return;
  const absl::Status left = segment::PutNotice(*store_, {period, state_.identity.name_space});
  if (left.ok()) {
    noticed_ = period;
  } else {
    state_.environment.logger->Log(io::Severity::kWarning, std::string(left.message()));
  }
}

absl::StatusOr<ManifestEdits> Shipper::AddOf(const SealedSegment& sealed,
                                             const ManifestEdits& state) {
  STRATA_RETURN_IF_ERROR(claim_.CheckHeld(state));
  if (sealed.key.epoch != state.newest_claim()->epoch) {
    return absl::AbortedError(absl::StrCat(
        state_.directory, ": a segment of epoch ", sealed.key.epoch.value(), " comes late, under ",
        "epoch ", state.newest_claim()->epoch.value(), "; it is shipped again"));
  }
  ManifestEdits edits;
  const FrameNo end = state.end_of(sealed.key.log_id);
  if (end.next() == sealed.key.first) {
    edits.adds[sealed.key] = sealed.facts;
    return edits;
  }
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, manifests_->ReadAll());
  if (all.adds.contains(sealed.key)) return edits;  // this very change, whose answer was lost
  return absl::FailedPreconditionError(absl::StrCat(
      state_.directory, ": another writer has shipped up to frame ", end.value(), " under epoch ",
      sealed.key.epoch.value(),
      ": this or that is a copy of the database; one of them may go on, with ", "takeover=1"));
}

std::optional<int64_t> Shipper::WriteHintIfDue(int64_t now_us) {
  if (!hint_due_us_) return std::nullopt;
  if (now_us >= *hint_due_us_ || manifests_->changes_behind_hint() >= kChangesBehindHint) {
    WriteHint();
  }
  return hint_due_us_;
}

void Shipper::WriteHint() {
  if (!hint_due_us_) return;
  hint_due_us_.reset();  // also if that fails: readers go the longer way, until the next one
  const absl::Status written = manifests_->WriteHint();
  if (written.ok()) return;
  state_.environment.logger->Log(io::Severity::kWarning, std::string(written.message()));
}

void Shipper::Advance(FrameNo sealed, uint64_t digest) {
  io::MutexLock lock(&state_.append_mutex);
  state_.progress.sealed = sealed;
  state_.progress.sealed_digest = digest;
  state_.progress.shipped = sealed;
  state_.PublishProgress();
}

}  // namespace strata::wal
