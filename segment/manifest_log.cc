#include "segment/manifest_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/manifest_codec.h"
#include "segment/store_listing.h"

namespace strata::segment {
namespace {

constexpr int kTries = 64;                           // against other writers, in one Publish
constexpr int kStepsBeforeJump = 16;                 // changes followed one by one
constexpr int64_t kFreshUs = 60'000'000;             // a tip this old is not relied upon
constexpr int64_t kTrustedHintUs = 604'800'000'000;  // 7 days: changes are kept for longer

uint64_t NextBase(uint64_t number) { return (number / kBaseEvery + 1) * kBaseEvery; }

FoldKind KindOf(const ManifestTip& tip) {
  return tip.parts.empty() ? FoldKind::kComplete : FoldKind::kPartial;
}

}  // namespace

absl::Status ManifestLog::Refresh() {
  const int64_t now_us = clock_.MonotonicMicros();
  if (!loaded_) {
    STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns_));
    STRATA_RETURN_IF_ERROR(ReadHint());
  }
  STRATA_RETURN_IF_ERROR(Follow());
  if (!loaded_ && tip_.number == 0) STRATA_RETURN_IF_ERROR(FindByListing());
  loaded_ = true;
  uncertain_ = false;
  confirmed_us_ = now_us;
  return absl::OkStatus();
}

// A hint that is damaged or not there costs time, nothing else.
absl::Status ManifestLog::ReadHint() {
  const std::string key = BuildHintKey(ns_);
  const auto bytes = store_.GetRange(key, 0, kMaxManifestSize + 1);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(bytes.status());
  absl::StatusOr<Manifest> hint = DecodeManifest(key, *bytes);
  if (absl::IsUnimplemented(hint.status())) return hint.status();
  if (!hint.ok() || hint->kind != ManifestKind::kHint) return FindByListing();
  hinted_ = hint->to;
  tip_ = {hint->to, hint->created_us, std::move(hint->parts), hint->from, std::move(hint->edits)};
  return absl::OkStatus();
}

// From the newest base there is, or the first change.
absl::Status ManifestLog::FindByListing() {
  uint64_t newest_base = 0;
  bool any = false;
  std::string after;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const std::vector<io::ObjectInfo> page,
                            store_.List(ManifestPrefix(ns_), after, kListingPage));
    for (const io::ObjectInfo& info : page) {
      const auto number = ParseManifestKey(ns_, info.key);
      any |= number.ok();
      if (number.ok() && *number % kBaseEvery == 0) newest_base = std::max(newest_base, *number);
    }
    if (page.empty() || page.back().key <= after) break;
    after = page.back().key;
  }
  tip_ = {};
  if (!any) return absl::OkStatus();
  if (newest_base != 0) {
    STRATA_ASSIGN_OR_RETURN(Manifest base, ReadChange(newest_base));
    Apply(std::move(base));
  }
  STRATA_RETURN_IF_ERROR(Follow());
  if (tip_.number != 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("namespace ", ns_,
                                          ": its first manifests are gone, and "
                                          "there is neither a hint nor a base to go on from"));
}

absl::Status ManifestLog::Follow() {
  for (int steps = 0;; ++steps) {
    if (steps == kStepsBeforeJump) {
      bool jumped = true;
      while (jumped) {
        STRATA_ASSIGN_OR_RETURN(jumped, JumpToNextBase());
      }
    }
    absl::StatusOr<Manifest> change = ReadChange(tip_.number + 1);
    if (change.ok()) {
      Apply(*std::move(change));
      continue;
    }
    if (!absl::IsNotFound(change.status())) return change.status();
    // An old hint may have been put back by a process that had stood still, when the changes behind
    // it were gone already.
    if (tip_.number == 0 || clock_.NowMicros() - tip_.created_us < kTrustedHintUs) break;
    STRATA_ASSIGN_OR_RETURN(const bool jumped, JumpToNextBase());
    if (!jumped) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ManifestLog::JumpToNextBase() {
  absl::StatusOr<Manifest> base = ReadChange(NextBase(tip_.number));
  if (absl::IsNotFound(base.status())) return false;
  STRATA_RETURN_IF_ERROR(base.status());
  Apply(*std::move(base));
  return true;
}

absl::StatusOr<Manifest> ManifestLog::ReadChange(uint64_t number) {
  const std::string key = BuildManifestKey(ns_, number);
  STRATA_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                          store_.GetRange(key, 0, kMaxManifestSize + 1));
  STRATA_ASSIGN_OR_RETURN(Manifest change, DecodeManifest(key, bytes));
  const bool must_be_base = number % kBaseEvery == 0;
  if (change.kind == ManifestKind::kChange && change.to == number &&
      (change.is_base || !must_be_base)) {
    return change;
  }
  return absl::DataLossError(absl::StrCat(key, ": holds change ", change.to, " of kind ",
                                          static_cast<uint32_t>(change.kind),
                                          change.is_base ? ", a base" : ""));
}

void ManifestLog::Apply(Manifest change) {
  if (is_imported_) tip_.recent = {};  // the first change has it all
  is_imported_ = false;
  tip_.number = change.to;
  tip_.created_us = change.created_us;
  if (change.is_base) {
    tip_.parts = std::move(change.parts);
    tip_.recent_from = change.from;
    tip_.recent = std::move(change.edits);
  } else {
    Fold(change.edits, KindOf(tip_), &tip_.recent);
  }
}

absl::StatusOr<ManifestEdits> ManifestLog::ReadParts() {
  if (keeps_parts_ && kept_parts_ == tip_.parts) return kept_;
  ManifestEdits all;
  for (const ManifestPart& part : tip_.parts) {
    STRATA_ASSIGN_OR_RETURN(const ManifestEdits edits, parts_.Read(part));
    Fold(edits, FoldKind::kComplete, &all);
  }
  all.ends.clear();  // raised by old adds; what counts stands in `recent`
  if (keeps_parts_) {
    kept_parts_ = tip_.parts;
    kept_ = all;
  }
  return all;
}

absl::StatusOr<ManifestEdits> ManifestLog::ReadAll() {
  STRATA_ASSIGN_OR_RETURN(ManifestEdits all, ReadParts());
  Fold(tip_.recent, FoldKind::kComplete, &all);
  return all;
}

absl::Status ManifestLog::Publish(const MakeEdits& make) { return Publish(make, Parts::kAsNeeded); }

absl::Status ManifestLog::PublishWithNewParts(const MakeEdits& make) {
  return Publish(make, Parts::kRewrite);
}

absl::Status ManifestLog::Publish(const MakeEdits& make, Parts parts) {
  if (!loaded_ || uncertain_) STRATA_RETURN_IF_ERROR(Refresh());
  for (int tries = 0; tries < kTries; ++tries) {
    if (tip_.number == 0 && !is_imported_) STRATA_RETURN_IF_ERROR(ImportListed());
    absl::StatusOr<ManifestEdits> edits = make(tip_.recent);
    if (!edits.ok()) {
      // It may have judged by an old state, when others change the namespace too.
      const uint64_t judged_by = tip_.number;
      STRATA_RETURN_IF_ERROR(Refresh());
      if (tip_.number == judged_by) return edits.status();
      continue;
    }
    const bool takes_over = is_imported_ && !tip_.recent.empty();
    if (edits->empty() && !takes_over && parts == Parts::kAsNeeded) return absl::OkStatus();
    STRATA_ASSIGN_OR_RETURN(Manifest change, NewChange(*std::move(edits), parts));
    uncertain_ = true;
    STRATA_ASSIGN_OR_RETURN(const bool done, Put(change));
    uncertain_ = false;
    if (done) return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("namespace ", ns_, " in ", store_.url(), ": after ",
                                             kTries, " tries another writer was still faster"));
}

// In the order in which it happened. Segments of no claimed epoch stay where they are, uncounted.
absl::Status ManifestLog::ImportListed() {
  std::vector<StoredSegment> segments;
  STRATA_ASSIGN_OR_RETURN(const std::vector<LogId> log_ids, ListLogIds(store_, ns_));
  for (const LogId& log_id : log_ids) {
    STRATA_ASSIGN_OR_RETURN(const std::vector<StoredSegment> listed,
                            ListSegments(store_, ns_, log_id));
    segments.insert(segments.end(), listed.begin(), listed.end());
  }
  STRATA_ASSIGN_OR_RETURN(const std::vector<EpochClaim> claims, ListEpochs(store_, ns_));
  tip_.recent = {};
  for (const EpochClaim& claim : claims) {
    ManifestEdits step;
    step.claims[claim.epoch] = claim;
    Fold(step, FoldKind::kComplete, &tip_.recent);
    step.claims.clear();
    for (const StoredSegment& each : segments) {
      const bool of_claim = each.key.log_id == claim.log_id && each.key.epoch == claim.epoch;
      if (of_claim) step.adds[each.key].size = each.size;
    }
    Fold(step, FoldKind::kComplete, &tip_.recent);
  }
  is_imported_ = true;
  return absl::OkStatus();
}

absl::StatusOr<Manifest> ManifestLog::NewChange(ManifestEdits edits, Parts parts) {
  Manifest change;
  change.from = change.to = tip_.number + 1;
  change.nonce = random_.Next64();
  change.created_us = clock_.NowMicros();
  if (is_imported_) {
    change.edits = tip_.recent;
    Fold(edits, FoldKind::kComplete, &change.edits);
  } else {
    change.edits = std::move(edits);
  }
  if (change.to % kBaseEvery == 0 || parts == Parts::kRewrite) {
    STRATA_RETURN_IF_ERROR(MakeBase(parts, &change));
  }
  return change;
}

// The base stands for all changes before it, without their segments, which go into parts.
absl::Status ManifestLog::MakeBase(Parts parts, Manifest* change) {
  if (tip_.number == 0) return absl::OkStatus();
  if (parts == Parts::kRewrite) {
    STRATA_ASSIGN_OR_RETURN(const ManifestEdits all, ReadAll());
    STRATA_ASSIGN_OR_RETURN(const ManifestPart part, parts_.Write(1, tip_.number, all));
    change->parts = {part};
  } else {
    change->parts = tip_.parts;
    STRATA_RETURN_IF_ERROR(
        parts_.Append(tip_.recent_from, tip_.number, tip_.recent, &change->parts));
  }
  change->is_base = true;
  ManifestEdits summary = tip_.recent;
  summary.adds.clear();
  summary.marks.clear();
  summary.forgets.clear();
  Fold(change->edits, FoldKind::kPartial, &summary);
  std::erase_if(summary.pins, [](const auto& pin) { return !pin.second.has_value(); });
  change->edits = std::move(summary);
  return absl::OkStatus();
}

// True: it is there, and the tip. False: somebody else's change is, and the tip was moved.
absl::StatusOr<bool> ManifestLog::Put(const Manifest& change) {
  const int64_t sent_us = clock_.MonotonicMicros();
  const std::vector<uint8_t> bytes = EncodeManifest(change);
  const std::string key = BuildManifestKey(ns_, change.to);
  if (bytes.size() > kMaxManifestSize) {
    return absl::ResourceExhaustedError(
        absl::StrCat(key, ": ", bytes.size(), " bytes, at most ", kMaxManifestSize));
  }
  const absl::Status put = io::PutObject(store_, key, io::IfPresent::kFail, bytes);
  if (!put.ok() && !absl::IsFailedPrecondition(put)) return put;
  if (put.ok()) {
    STRATA_ASSIGN_OR_RETURN(const bool newest, IsStillNewest(change.to, sent_us));
    if (newest) {
      Apply(change);
      return true;
    }
    // The name had expired, and is nobody's now.
    STRATA_RETURN_IF_ERROR(store_.Delete(key));
    loaded_ = false;
    tip_ = {};
    STRATA_RETURN_IF_ERROR(Refresh());
    return false;
  }
  absl::StatusOr<Manifest> there = ReadChange(change.to);
  STRATA_RETURN_IF_ERROR(there.status());
  const bool is_ours = there->nonce == change.nonce && there->created_us == change.created_us;
  Apply(*std::move(there));
  confirmed_us_ = sent_us;
  return is_ours;
}

// A writer that stood still may create anew a name that has expired: bases are kept, so one behind
// the change shows it. Names do not expire within the time that is relied upon here.
absl::StatusOr<bool> ManifestLog::IsStillNewest(uint64_t number, int64_t sent_us) {
  const int64_t now_us = clock_.MonotonicMicros();
  if (now_us - confirmed_us_ >= kFreshUs) {
    const absl::StatusOr<Manifest> base = ReadChange(NextBase(number));
    if (base.ok()) return false;
    if (!absl::IsNotFound(base.status())) return base.status();
  }
  confirmed_us_ = sent_us;
  return true;
}

absl::Status ManifestLog::WriteHint() {
  if (tip_.number == 0) return absl::OkStatus();
  Manifest hint;
  hint.kind = ManifestKind::kHint;
  hint.from = tip_.recent_from;
  hint.to = tip_.number;
  hint.nonce = random_.Next64();
  hint.created_us = tip_.created_us;
  hint.parts = tip_.parts;
  hint.edits = tip_.recent;
  STRATA_RETURN_IF_ERROR(
      io::PutObject(store_, BuildHintKey(ns_), io::IfPresent::kReplace, EncodeManifest(hint)));
  hinted_ = tip_.number;
  return absl::OkStatus();
}

}  // namespace strata::segment
