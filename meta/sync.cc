#include "meta/sync.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "io/status_macros.h"
#include "segment/store_listing.h"

namespace strata::meta {
namespace {

using segment::EpochClaim;
using segment::LogId;
using segment::SegmentKey;
using segment::StoredSegment;

// The last key of each log id.
std::map<LogId, SegmentKey> LastKeys(const std::vector<StoredSegment>& segments) {
  std::map<LogId, SegmentKey> last;
  for (const StoredSegment& s : segments) {
    auto [at, is_new] = last.emplace(s.key.log_id, s.key);
    if (!is_new) at->second = std::max(at->second, s.key);
  }
  return last;
}

absl::StatusOr<SyncResult> SyncFull(io::ObjectStore& store, MetaDb* meta_db,
                                    const MonitoredNamespace& monitored, int64_t now_us) {
  STRATA_ASSIGN_OR_RETURN(std::vector<LogId> log_ids, segment::ListLogIds(store, monitored.name));
  std::vector<StoredSegment> segments;
  for (const LogId& log_id : log_ids) {
    STRATA_ASSIGN_OR_RETURN(std::vector<StoredSegment> of_log,
                            segment::ListSegments(store, monitored.name, log_id));
    segments.insert(segments.end(), of_log.begin(), of_log.end());
  }
  STRATA_ASSIGN_OR_RETURN(std::vector<EpochClaim> claims,
                          segment::ListEpochs(store, monitored.name));
  STRATA_RETURN_IF_ERROR(meta_db->Store(monitored.id, true, segments, claims, now_us));
  return SyncResult{segments.size(), claims.size()};
}

// What of the known claims is still written to: the newest one's log id.
std::set<LogId> LiveLogs(const std::vector<EpochClaim>& claims) {
  std::set<LogId> live;
  if (!claims.empty()) live.insert(claims.back().log_id);
  return live;
}

absl::StatusOr<SyncResult> SyncNew(io::ObjectStore& store, MetaDb* meta_db,
                                   const MonitoredNamespace& monitored, int64_t now_us) {
  STRATA_ASSIGN_OR_RETURN(std::vector<StoredSegment> known, meta_db->Segments(monitored.id));
  STRATA_ASSIGN_OR_RETURN(std::vector<EpochClaim> claims, meta_db->Epochs(monitored.id));
  std::map<LogId, SegmentKey> last = LastKeys(known);
  std::set<LogId> to_list = LiveLogs(claims);
  segment::Epoch newest = claims.empty() ? segment::Epoch() : claims.back().epoch;
  std::vector<StoredSegment> new_segments;
  std::vector<EpochClaim> new_claims;
  // Until no epoch was claimed since the segments were listed.
  while (true) {
    for (const LogId& log_id : to_list) {
      auto from = last.find(log_id);
      std::string after =
          from == last.end() ? "" : segment::BuildSegmentKey(monitored.name, from->second);
      STRATA_ASSIGN_OR_RETURN(std::vector<StoredSegment> listed,
                              segment::ListSegments(store, monitored.name, log_id, after));
      if (!listed.empty()) last[log_id] = listed.back().key;
      new_segments.insert(new_segments.end(), listed.begin(), listed.end());
    }
    STRATA_ASSIGN_OR_RETURN(std::vector<EpochClaim> more,
                            segment::ListEpochs(store, monitored.name, newest));
    if (more.empty()) break;
    to_list.clear();
    for (const EpochClaim& claim : more) to_list.insert(claim.log_id);
    newest = more.back().epoch;
    new_claims.insert(new_claims.end(), more.begin(), more.end());
  }
  STRATA_RETURN_IF_ERROR(meta_db->Store(monitored.id, false, new_segments, new_claims, now_us));
  return SyncResult{new_segments.size(), new_claims.size()};
}

}  // namespace

absl::StatusOr<SyncResult> Sync(io::ObjectStore& store, MetaDb* meta_db,
                                const MonitoredNamespace& monitored, SyncMode mode,
                                int64_t now_us) {
  if (mode == SyncMode::kFull) return SyncFull(store, meta_db, monitored, now_us);
  return SyncNew(store, meta_db, monitored, now_us);
}

}  // namespace strata::meta
