#include "segment/store_listing.h"

#include <functional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/change_notice.h"

namespace strata::segment {
namespace {

using Visitor = std::function<absl::Status(const io::ObjectInfo&)>;

// A store that answers the same names again would keep us here for ever.
absl::Status CheckAdvances(const std::string& prefix, const std::string& after,
                           const std::string& key) {
  if (key > after && key.compare(0, prefix.size(), prefix) == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("listing of \"", prefix, "\" after \"", after,
                                          "\" answered \"", absl::CHexEscape(key), "\""));
}

absl::Status ForEachObject(io::ObjectStore& store, const std::string& prefix, std::string after,
                           const Visitor& visit) {
  while (true) {
    STRATA_ASSIGN_OR_RETURN(std::vector<io::ObjectInfo> page,
                            store.List(prefix, after, kListingPage));
    for (const io::ObjectInfo& info : page) {
      STRATA_RETURN_IF_ERROR(CheckAdvances(prefix, after, info.key));
      STRATA_RETURN_IF_ERROR(visit(info));
      after = info.key;
    }
    if (page.empty()) return absl::OkStatus();
  }
}

// The distinct components that follow `prefix`, one request each: the next name after "x/..." is
// looked for after "x0", the first string above all that start with "x/".
absl::StatusOr<std::vector<std::string>> ListComponents(io::ObjectStore& store,
                                                        const std::string& prefix) {
  std::vector<std::string> names;
  std::string after;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(std::vector<io::ObjectInfo> page, store.List(prefix, after, 1));
    if (page.empty()) return names;
    const std::string& key = page[0].key;
    STRATA_RETURN_IF_ERROR(CheckAdvances(prefix, after, key));
    size_t slash = key.find('/', prefix.size());
    if (slash == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "object \"", absl::CHexEscape(key), "\" does not belong into a store of segments"));
    }
    names.push_back(key.substr(prefix.size(), slash - prefix.size()));
    after = absl::StrCat(key.substr(0, slash), "0");
  }
}

}  // namespace

absl::StatusOr<std::vector<StoredSegment>> ListSegments(io::ObjectStore& store,
                                                        absl::string_view ns, const LogId& log_id,
                                                        absl::string_view after) {
  STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns));
  std::vector<StoredSegment> segments;
  auto add = [&](const io::ObjectInfo& info) {
    STRATA_ASSIGN_OR_RETURN(SegmentKey key, ParseSegmentKey(ns, info.key));
    segments.push_back({key, info.size});
    return absl::OkStatus();
  };
  STRATA_RETURN_IF_ERROR(ForEachObject(store, SegmentPrefix(ns, log_id), std::string(after), add));
  return segments;
}

absl::StatusOr<EpochClaim> ReadEpochClaim(io::ObjectStore& store, absl::string_view ns,
                                          Epoch epoch) {
  STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns));
  std::string key = BuildEpochKey(ns, epoch);
  STRATA_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, store.GetRange(key, 0, kEpochClaimSize + 1));
  STRATA_ASSIGN_OR_RETURN(EpochClaim claim, DecodeEpochClaim(key, bytes));
  if (claim.epoch != epoch) {
    return absl::DataLossError(
        absl::StrCat(key, ": holds the claim to epoch ", claim.epoch.value()));
  }
  return claim;
}

absl::StatusOr<std::vector<EpochClaim>> ListEpochs(io::ObjectStore& store, absl::string_view ns,
                                                   Epoch after) {
  STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns));
  std::vector<Epoch> epochs;
  auto add = [&](const io::ObjectInfo& info) {
    STRATA_ASSIGN_OR_RETURN(Epoch epoch, ParseEpochKey(ns, info.key));
    epochs.push_back(epoch);
    return absl::OkStatus();
  };
  std::string from = after.value() == 0 ? std::string() : BuildEpochKey(ns, after);
  STRATA_RETURN_IF_ERROR(ForEachObject(store, EpochPrefix(ns), from, add));
  std::vector<EpochClaim> claims;
  for (Epoch epoch : epochs) {
    STRATA_ASSIGN_OR_RETURN(EpochClaim claim, ReadEpochClaim(store, ns, epoch));
    claims.push_back(claim);
  }
  return claims;
}

absl::StatusOr<std::vector<LogId>> ListLogIds(io::ObjectStore& store, absl::string_view ns) {
  STRATA_RETURN_IF_ERROR(CheckNamespaceName(ns));
  std::string prefix = absl::StrCat(ns, "/segments/");
  STRATA_ASSIGN_OR_RETURN(std::vector<std::string> names, ListComponents(store, prefix));
  std::vector<LogId> ids;
  for (const std::string& name : names) {
    absl::StatusOr<LogId> id = ParseLogId(name);
    if (!id.ok() || ToString(*id) != name) {
      return absl::InvalidArgumentError(
          absl::StrCat("objects below \"", prefix, absl::CHexEscape(name), "\": not a log id"));
    }
    ids.push_back(*id);
  }
  return ids;
}

absl::StatusOr<std::vector<std::string>> ListNamespaces(io::ObjectStore& store) {
  STRATA_ASSIGN_OR_RETURN(std::vector<std::string> names, ListComponents(store, ""));
  std::erase(names, kNoticeFolder);
  for (const std::string& name : names) STRATA_RETURN_IF_ERROR(CheckNamespaceName(name));
  return names;
}

}  // namespace strata::segment
