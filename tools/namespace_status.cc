#include "tools/namespace_status.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compactor/history.h"
#include "compactor/timeline.h"
#include "io/status_macros.h"
#include "segment/frame.h"
#include "wal/recovery.h"

namespace strata::tools {
namespace {

using compactor::LogHistory;
using segment::FrameNo;

constexpr int kTries = 20;  // a log in use changes while it is looked at

absl::Status AddJobs(meta::MetaDb* meta_db, const std::string& store_url, NamespaceStatus* status) {
  if (meta_db == nullptr) return absl::OkStatus();
  const auto monitored = meta_db->Find(store_url, status->ns);
  if (absl::IsNotFound(monitored.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(monitored.status());
  STRATA_ASSIGN_OR_RETURN(const std::vector<meta::Job> jobs, meta_db->Jobs(monitored->id));
  for (const meta::Job& job : jobs) {
    if (job.state == "running") continue;
    JobSummary& summary = job.kind == "verify" ? status->verifications : status->compactions;
    ++(job.state == "done" ? summary.done : summary.failed);
    summary.last = job;
  }
  return absl::OkStatus();
}

absl::Status AddWindow(io::ObjectStore* store, const LogHistory& log, NamespaceStatus* status) {
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(compactor::Timeline timeline,
                          compactor::Timeline::Open(store, &cache, status->ns, &log));
  STRATA_ASSIGN_OR_RETURN(const compactor::TimelineStretch first, timeline.Stretch(0));
  status->first = first.commits.front();
  STRATA_ASSIGN_OR_RETURN(status->last, timeline.Last());
  status->complete = timeline.CheckComplete().ok();
  return absl::OkStatus();
}

uint64_t BytesOfLog(io::FileSystem& files, const wal::RecoveredLog& log) {
  uint64_t bytes = 0;
  for (const wal::RecoveredSegment& segment : log.segments) {
    const auto info = files.Stat(segment.path);
    if (info.ok()) bytes += info->size;
  }
  return bytes;
}

}  // namespace

absl::StatusOr<NamespaceStatus> ReadStatus(io::ObjectStore* store, meta::MetaDb* meta_db,
                                           const std::string& ns) {
  STRATA_ASSIGN_OR_RETURN(const compactor::NamespaceHistory history,
                          compactor::LoadHistory(*store, ns));
  const LogHistory* live = history.live();
  if (live == nullptr)
    return absl::NotFoundError(absl::StrCat("namespace ", ns, ": the store has nothing of it"));
  NamespaceStatus status;
  status.ns = ns;
  status.log_id = live->log_id;
  for (const LogHistory& log : history.logs) {
    for (const segment::EpochClaim& claim : log.claims)
      status.epoch = std::max(status.epoch, claim.epoch);
    status.segments += log.segments.size() + log.fenced.size();
    for (const compactor::CountedSegment& segment : log.segments) status.bytes += segment.size;
    for (const segment::StoredSegment& segment : log.fenced) status.bytes += segment.size;
  }
  STRATA_RETURN_IF_ERROR(AddWindow(store, *live, &status));
  STRATA_RETURN_IF_ERROR(AddJobs(meta_db, store->url(), &status));
  return status;
}

absl::StatusOr<std::optional<LocalLog>> ReadLocalLog(io::FileSystem& files,
                                                     const std::string& database,
                                                     const NamespaceStatus& stored) {
  STRATA_RETURN_IF_ERROR(files.Stat(database).status());
  const std::string directory = absl::StrCat(database, "-wal");
  absl::StatusOr<wal::RecoveredLog> log = wal::RecoverLog(files, directory);
  for (int i = 1; i < kTries && absl::IsDataLoss(log.status()); ++i)
    log = wal::RecoverLog(files, directory);
  if (absl::IsNotFound(log.status())) return std::optional<LocalLog>();
  STRATA_RETURN_IF_ERROR(log.status());
  if (log->identity.log_id != stored.log_id) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory, ": log id ", segment::ToString(log->identity.log_id), ", namespace ", stored.ns,
        " has ", segment::ToString(stored.log_id), ": not the same database"));
  }
  LocalLog local{log->identity.log_id, log->end, BytesOfLog(files, *log)};
  const FrameNo shipped = std::max(log->shipped, stored.last.frame);
  if (local.end.frame > shipped) {
    local.unshipped_frames = local.end.frame.value() - shipped.value();
    local.unshipped_bytes =
        local.unshipped_frames * (segment::kRecordHeaderSize + log->identity.page_size);
    local.behind_us = std::max<int64_t>(0, local.end.time_us - stored.last.time_us);
  }
  return std::optional<LocalLog>(local);
}

}  // namespace strata::tools
