#include "compactor/lenient_history.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"
#include "segment/manifest_codec.h"
#include "segment/manifest_log.h"
#include "segment/store_listing.h"

namespace strata::compactor {
namespace {

using segment::EpochClaim;
using segment::LogId;
using segment::StoredSegment;

constexpr size_t kListingPage = 1000;

// True for what damage or a foreign object cause; everything else is the store's own trouble.
bool IsAboutTheObject(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsInvalidArgument(status) ||
         absl::IsUnimplemented(status);
}

class Loader {
 public:
  Loader(io::ObjectStore* store, absl::string_view ns, bool read_all_manifests)
      : store_(store), ns_(ns), read_all_manifests_(read_all_manifests) {}

  absl::StatusOr<LenientHistory> Run();

 private:
  absl::Status ListAll();
  absl::Status List(const std::string& prefix, absl::FunctionRef<bool(const std::string&)> wanted);
  absl::Status Sort(const io::ObjectInfo& info);
  absl::Status SortDictionary(const std::string& key);
  bool SortManifest(const io::ObjectInfo& info);
  void BuildLogs();
  absl::Status ReadManifest();
  absl::Status CheckManifest(const std::string& key);
  void Compare(const segment::ManifestTip& tip, const segment::ManifestEdits& state);
  bool Find(const std::string& object, const absl::Status& status);

  io::ObjectStore* const store_;
  const std::string ns_;
  const bool read_all_manifests_;
  LenientHistory result_;
  std::map<LogId, std::vector<StoredSegment>> segments_;
  std::map<LogId, std::vector<EpochClaim>> claims_;
  std::set<segment::PartName> parts_;
  std::vector<std::string> manifests_;
};

// Notes damage as a finding; false when the status is none, or the store's own trouble.
bool Loader::Find(const std::string& object, const absl::Status& status) {
  if (status.ok() || !(IsAboutTheObject(status) || absl::IsNotFound(status))) return false;
  result_.findings.push_back({object, std::string(status.message())});
  return true;
}

bool Loader::SortManifest(const io::ObjectInfo& info) {
  const auto part = segment::ParsePartKey(ns_, info.key);
  if (part.ok()) parts_.insert(*part);
  const bool is_manifest = part.ok() || info.key == segment::BuildHintKey(ns_) ||
                           segment::ParseManifestKey(ns_, info.key).ok();
  if (is_manifest) manifests_.push_back(info.key);
  return is_manifest;
}

// Readers do without a damaged hint, at the price of a listing, and without changes that a base or
// the hint stands for.
absl::Status Loader::CheckManifest(const std::string& key) {
  const auto bytes = store_->GetRange(key, 0, segment::kMaxManifestSize + 1);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();  // expired since it was listed
  STRATA_RETURN_IF_ERROR(bytes.status());
  const auto manifest = segment::DecodeManifest(key, *bytes);
  if (Find(key, manifest.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(manifest.status());
  std::string name = segment::BuildHintKey(ns_);
  if (manifest->kind == segment::ManifestKind::kChange) {
    name = segment::BuildManifestKey(ns_, manifest->to);
  } else if (manifest->kind == segment::ManifestKind::kPart) {
    name = segment::BuildPartKey(ns_, {manifest->from, manifest->to, manifest->nonce});
  }
  if (name == key) return absl::OkStatus();
  result_.findings.push_back({key, absl::StrCat("offset 12: holds what belongs into ", name)});
  return absl::OkStatus();
}

absl::Status Loader::Sort(const io::ObjectInfo& info) {
  ++result_.objects;
  result_.bytes += info.size;
  if (SortManifest(info)) return absl::OkStatus();
  absl::StatusOr<segment::SegmentKey> key = segment::ParseSegmentKey(ns_, info.key);
  if (key.ok()) {
    segments_[key->log_id].push_back({*key, info.size});
    return absl::OkStatus();
  }
  if (segment::ParseDictionaryKey(ns_, info.key).ok()) return SortDictionary(info.key);
  absl::StatusOr<segment::Epoch> epoch = segment::ParseEpochKey(ns_, info.key);
  if (!epoch.ok()) {
    result_.findings.push_back({absl::CHexEscape(info.key), "does not belong into a store"});
    return absl::OkStatus();
  }
  absl::StatusOr<EpochClaim> claim = segment::ReadEpochClaim(*store_, ns_, *epoch);
  if (claim.ok()) {
    claims_[claim->log_id].push_back(*claim);
    return absl::OkStatus();
  }
  if (!IsAboutTheObject(claim.status())) return claim.status();
  result_.findings.push_back({info.key, std::string(claim.status().message())});
  return absl::OkStatus();
}

// A dictionary is read whole: it is small, and every page of its segments depends on it.
absl::Status Loader::SortDictionary(const std::string& key) {
  const auto dictionary = segment::ReadDictionary(*store_, key);
  if (dictionary.ok()) return absl::OkStatus();
  if (!IsAboutTheObject(dictionary.status())) return dictionary.status();
  result_.findings.push_back({key, std::string(dictionary.status().message())});
  return absl::OkStatus();
}

// Segments first (see segment/store_listing.h), then everything else.
absl::Status Loader::ListAll() {
  const std::string segments = ns_ + "/segments/";
  STRATA_RETURN_IF_ERROR(List(segments, [](const std::string& key) { return true; }));
  return List(ns_ + "/", [&](const std::string& key) { return !absl::StartsWith(key, segments); });
}

absl::Status Loader::List(const std::string& prefix,
                          absl::FunctionRef<bool(const std::string&)> wanted) {
  std::string after;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(std::vector<io::ObjectInfo> page,
                            store_->List(prefix, after, kListingPage));
    if (page.empty()) return absl::OkStatus();
    for (const io::ObjectInfo& info : page) {
      if (wanted(info.key)) STRATA_RETURN_IF_ERROR(Sort(info));
    }
    if (page.back().key <= after) {
      return absl::DataLossError(absl::StrCat("listing of \"", prefix, "\" does not advance"));
    }
    after = page.back().key;
  }
}

void Loader::BuildLogs() {
  for (const auto& [log_id, claims] : claims_) {
    for (const EpochClaim& claim : claims) {
      if (claim.page_size == claims[0].page_size) continue;
      result_.findings.push_back(
          {segment::BuildEpochKey(ns_, claim.epoch),
           absl::StrCat("page size ", claim.page_size, ", but epoch ", claims[0].epoch.value(),
                        " says ", claims[0].page_size)});
    }
    result_.history.logs.push_back(CountSegments(segments_[log_id], claims));
    segments_.erase(log_id);
  }
  std::sort(result_.history.logs.begin(), result_.history.logs.end(),
            [](auto& a, auto& b) { return a.first_epoch < b.first_epoch; });
  for (const auto& [log_id, unclaimed] : segments_) {
    result_.history.unclaimed.insert(result_.history.unclaimed.end(), unclaimed.begin(),
                                     unclaimed.end());
  }
}

absl::Status Loader::ReadManifest() {
  for (const std::string& key : manifests_) {
    const bool is_hint = key == segment::BuildHintKey(ns_);
    if (is_hint || read_all_manifests_) STRATA_RETURN_IF_ERROR(CheckManifest(key));
  }
  segment::ManifestLog manifests(store_, ns_, &io::SystemClock(), &io::SystemRandom());
  const absl::Status refreshed = manifests.Refresh();
  if (Find(segment::ManifestPrefix(ns_), refreshed)) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(refreshed);
  const auto state = manifests.ReadAll();
  if (Find(segment::PartPrefix(ns_), state.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(state.status());
  auto history = HistoryOf(ns_, manifests.tip(), *state);
  if (Find(segment::ManifestPrefix(ns_), history.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(history.status());
  result_.history = *std::move(history);
  Compare(manifests.tip(), *state);
  return absl::OkStatus();
}

void Loader::Compare(const segment::ManifestTip& tip, const segment::ManifestEdits& state) {
  std::set<segment::SegmentKey> listed;
  for (const auto& [log_id, segments] : segments_) {
    for (const StoredSegment& each : segments) {
      listed.insert(each.key);
      const std::string object = segment::BuildSegmentKey(ns_, each.key);
      const auto known = state.adds.find(each.key);
      if (known == state.adds.end() && !state.marks.contains(each.key)) {
        result_.notes.push_back({object, "an orphan: no manifest names it, so it does not count"});
      } else if (known != state.adds.end() && known->second.size != each.size) {
        result_.findings.push_back(
            {object, absl::StrCat("length: expected ", known->second.size, ", found ", each.size)});
      }
    }
  }
  for (const auto& [key, facts] : state.adds) {
    if (listed.contains(key)) continue;
    result_.findings.push_back(
        {segment::BuildSegmentKey(ns_, key), "is missing, and the manifest names it"});
  }
  for (const segment::ManifestPart& part : tip.parts) {
    parts_.erase({part.from, part.to, part.nonce});
  }
  for (const segment::PartName& part : parts_) {
    result_.notes.push_back({segment::BuildPartKey(ns_, part), "a part that was replaced"});
  }
}

absl::StatusOr<LenientHistory> Loader::Run() {
  STRATA_RETURN_IF_ERROR(segment::CheckNamespaceName(ns_));
  result_.history.ns = ns_;
  STRATA_RETURN_IF_ERROR(ListAll());
  if (!manifests_.empty()) {
    STRATA_RETURN_IF_ERROR(ReadManifest());
  } else {
    BuildLogs();
  }
  return std::move(result_);
}

}  // namespace

absl::StatusOr<LenientHistory> LoadLenientHistory(io::ObjectStore* store, absl::string_view ns,
                                                  bool read_all_manifests) {
  return Loader(store, ns, read_all_manifests).Run();
}

}  // namespace strata::compactor
