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
    if (state_.environment.clock->MonotonicMicros() >= deadline_us) {
      return absl::DeadlineExceededError(
          absl::StrCat("the store ", store_->url(), " does not have everything yet"));
    }
    STRATA_RETURN_IF_ERROR(ShipNext(up_to));
  }
  return absl::OkStatus();
}

absl::Status Shipper::Attach() {
  if (attached_) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(manifests_->Refresh());
  STRATA_RETURN_IF_ERROR(Claim());
  STRATA_RETURN_IF_ERROR(TakeOverProgress());
  STRATA_RETURN_IF_ERROR(ShipBase());
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
          STRATA_RETURN_IF_ERROR(CheckNotCut(state));
          STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, manifests_->ReadAll());
          STRATA_RETURN_IF_ERROR(FollowBase(all));
          STRATA_ASSIGN_OR_RETURN(const FrameNo end, Follow(all, OnDifference::kEnd));
          first_frame = end.next();
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

// Another writer's claim may have taken away what this log holds for shipped, and no longer has.
absl::Status Shipper::CheckNotCut(const ManifestEdits& state) {
  const FrameNo sealed = sealed_frame();
  for (const auto& [epoch, claim] : state.claims) {
    const bool cuts = claim.log_id == state_.identity.log_id && epoch > state_.identity.epoch &&
                      state_.identity.epoch.value() != 0 && claim.first_frame <= sealed;
    if (!cuts) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(state_.directory, ": epoch ", epoch.value(), " took over at frame ",
                     claim.first_frame.value(), ", below frame ", sealed.value(),
                     ", up to which this log was shipped: it can only go on as a new history"));
  }
  return absl::OkStatus();
}

// What an earlier run shipped and had no time to note.
absl::Status Shipper::TakeOverProgress() {
  const FrameNo base = state_.identity.base_frame;
  const FrameNo end = manifests_->tip().recent.end_of(state_.identity.log_id);
  if (end < sealed_frame()) {
    return Stop(absl::FailedPreconditionError(absl::StrCat(
        state_.directory, ": the store ", store_->url(), " ends at frame ", end.value(),
        ", but was shipped up to frame ", sealed_frame().value(), ": it is an older copy")));
  }
  if (end == sealed_frame()) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, manifests_->ReadAll());
  STRATA_RETURN_IF_ERROR(FollowBase(all));
  if (sealed_frame() < base) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(const FrameNo followed, Follow(all, OnDifference::kError));
  if (followed == end) return absl::OkStatus();
  return Stop(absl::FailedPreconditionError(absl::StrCat(
      state_.directory, ": the store has frames up to ", end.value(), ", but no sealed segment ",
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

// Goes along the sealed segments that are in the store, as long as they hold what the log holds.
absl::StatusOr<FrameNo> Shipper::Follow(const ManifestEdits& all, OnDifference on_difference) {
  FrameNo end = sealed_frame();
  if (end < state_.identity.base_frame) return end;
  const FrameNo tip = state_.commits->appended().frame;
  for (const auto& [key, facts] : all.adds) {
    const bool is_next = key.log_id == state_.identity.log_id && key.first == end.next() &&
                         key.level == segment::kSealedLevel;
    if (!is_next || !segment::IsUnfenced(all, key)) continue;
    absl::Status same;
    if (key.last > tip) {
      same = absl::FailedPreconditionError(
          absl::StrCat(state_.directory, ": the log ends at frame ", tip.value(),
                       ", the store already has frame ", key.last.value(),
                       ": this is an older copy of the database; restore the newer one, or ",
                       "open with takeover=1 to give up what it has more"));
    }
    STRATA_ASSIGN_OR_RETURN(const auto reader, OpenStored(key));
    if (same.ok()) same = CheckSameFrames(*reader);
    if (absl::IsFailedPrecondition(same) && on_difference == OnDifference::kEnd) return end;
    STRATA_RETURN_IF_ERROR(StopIfFenced(same));
    end = key.last;
    Advance(end, reader->commits().back().digest);
  }
  return end;
}

absl::Status Shipper::ShipBase() {
  if (sealed_frame() >= state_.identity.base_frame) return absl::OkStatus();
  const SegmentKey key = KeyOfBase(state_);
  STRATA_ASSIGN_OR_RETURN(io::File * database, checkpointer_.database());
  absl::StatusOr<SealedSegment> base = WriteBaseImage(state_, *database, *store_);
  if (absl::IsFailedPrecondition(base.status())) {
    base = FindShipped(key);
    STRATA_RETURN_IF_ERROR(base.status());
    STRATA_ASSIGN_OR_RETURN(const uint64_t digest,
                            DigestOfFile(*database, state_.identity.page_size,
                                         static_cast<uint32_t>(key.last.value())));
    if (digest != base->digest) {
      return Stop(absl::FailedPreconditionError(
          absl::StrCat(segment::BuildSegmentKey(state_.identity.name_space, key),
                       ": holds another database than ", state_.directory)));
    }
  }
  STRATA_RETURN_IF_ERROR(base.status());
  return Publish(*base);
}

// Frame by frame, with the times of the commits: the digest cannot be worked out here, because a
// checkpoint that was cut may have put pages of these very frames into the database file.
absl::Status Shipper::CheckSameFrames(const segment::SegmentReader& reader) {
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
    return absl::FailedPreconditionError(
        absl::StrCat(state_.directory, ": the store has another frame ", there.frame.value(),
                     ": this is a copy of the database that went its own way"));
  }
  return absl::OkStatus();
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
  if (key.level == segment::kSealedLevel) STRATA_RETURN_IF_ERROR(CheckSameFrames(*reader));
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
  attached_ = false;  // an answer may have been lost after the store acted: look again
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
