#include "compactor/lenient_history.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/dictionary_store.h"
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
  Loader(io::ObjectStore* store, absl::string_view ns) : store_(store), ns_(ns) {}

  absl::StatusOr<LenientHistory> Run();

 private:
  absl::Status ListAll();
  absl::Status List(const std::string& prefix, absl::FunctionRef<bool(const std::string&)> wanted);
  absl::Status Sort(const io::ObjectInfo& info);
  absl::Status SortDictionary(const std::string& key);
  void BuildLogs();

  io::ObjectStore* const store_;
  const std::string ns_;
  LenientHistory result_;
  std::map<LogId, std::vector<StoredSegment>> segments_;
  std::map<LogId, std::vector<EpochClaim>> claims_;
};

absl::Status Loader::Sort(const io::ObjectInfo& info) {
  ++result_.objects;
  result_.bytes += info.size;
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

absl::StatusOr<LenientHistory> Loader::Run() {
  STRATA_RETURN_IF_ERROR(segment::CheckNamespaceName(ns_));
  result_.history.ns = ns_;
  STRATA_RETURN_IF_ERROR(ListAll());
  BuildLogs();
  return std::move(result_);
}

}  // namespace

absl::StatusOr<LenientHistory> LoadLenientHistory(io::ObjectStore* store, absl::string_view ns) {
  return Loader(store, ns).Run();
}

}  // namespace strata::compactor
