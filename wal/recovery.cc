#include "wal/recovery.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/status_macros.h"
#include "wal/recovery_scan.h"

namespace strata::wal {

using segment::FrameNo;

namespace {

struct Listing {
  std::vector<std::pair<uint64_t, std::string>> files;  // sequence, path; ascending
  std::vector<std::string> temporaries;
  uint64_t next_sequence = 1;  // above those of temporary files too
  bool has_identity = false;
};

absl::StatusOr<Listing> ListLog(io::FileSystem& files, const std::string& directory) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(directory));
  Listing listing;
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (name == kIdentityName) listing.has_identity = true;
    if (absl::EndsWith(name, ".tmp")) listing.temporaries.push_back(path);
    const uint64_t sequence = ParseSegmentFileName(name);
    const uint64_t taken = ParseSegmentFileName(std::string(absl::StripSuffix(name, ".tmp")));
    listing.next_sequence = std::max(listing.next_sequence, taken + 1);
    if (sequence != 0) listing.files.emplace_back(sequence, path);
  }
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

// A file's first frame ends every older file before it.
std::vector<FrameNo> FileLimits(const std::vector<FileScan>& scans) {
  std::vector<FrameNo> limits(scans.size());
  FrameNo limit(std::numeric_limits<uint64_t>::max());
  for (size_t i = scans.size(); i-- > 0;) {
    limits[i] = limit;
    if (scans[i].first_frame != FrameNo(0))
      limit = std::min(limit, scans[i].first_frame.previous());
  }
  return limits;
}

// The last whole transaction of a file at or below `limit`; nullptr: none.
const ScannedCommit* LastCommit(const FileScan& scan, FrameNo limit) {
  const auto after =
      std::upper_bound(scan.commits.begin(), scan.commits.end(), limit,
                       [](FrameNo at, const ScannedCommit& c) { return at < c.point.frame; });
  return after == scan.commits.begin() ? nullptr : &*std::prev(after);
}

RecoveredSegment Accept(const FileScan& scan, const ScannedCommit& last) {
  RecoveredSegment segment{scan.path,        scan.header,      {},
                           scan.first_frame, last.point.frame, last.end_offset};
  for (const FrameRun& run : scan.runs) {
    if (run.first_frame <= last.point.frame.value()) segment.runs.push_back(run);
  }
  return segment;
}

// Takes over what the newest mark knows; marks say more as time goes on.
void ReadMarks(const std::vector<FileScan>& scans, RecoveredLog* log) {
  for (const FileScan& scan : scans) {
    log->durable = std::max(log->durable, scan.durable);
    for (const FileScan::Mark& mark : scan.marks) {
      log->untouched = false;
      if (mark.record.checkpointed > log->checkpointed.frame) {
        log->checkpointed = {mark.record.checkpointed, mark.record.database_pages,
                             mark.record.commit_time_us};
      }
      log->shipped = std::max(log->shipped, mark.record.shipped);
      if (mark.record.sealed >= log->sealed) {
        log->sealed = mark.record.sealed;
        log->sealed_digest = mark.record.sealed_digest;
      }
    }
  }
}

// Where the log started: behind a base image, or where an earlier one was closed.
void BeginAtStart(RecoveredLog* log) {
  const Identity& identity = log->identity;
  log->untouched = true;
  log->end = {identity.base_frame, static_cast<uint32_t>(identity.base_frame.value()),
              identity.created_us};
  if (identity.clean.has_value()) {
    const CleanState& start = *identity.clean;
    log->end = {start.last_frame, start.database_pages, start.commit_time_us};
    if (start.last_frame > identity.base_frame) {
      log->sealed = log->shipped = start.last_frame;
      log->sealed_digest = start.digest;
    }
  }
  log->checkpointed = log->end;
}

void AddPages(const FileScan& scan, const RecoveredSegment& accepted, RecoveredLog* log) {
  const uint64_t have = log->checkpointed.frame.value() + log->pages.size();
  const uint64_t from = std::max(have + 1, accepted.first_frame.value());
  for (uint64_t frame = from; frame <= accepted.last_frame.value(); ++frame) {
    log->pages.push_back(scan.pages[frame - accepted.first_frame.value()]);
  }
}

// Takes whole transactions, file after file, as long as no frame above the checkpoint is missing.
void TakeTransactions(const std::vector<FileScan>& scans, RecoveredLog* log) {
  const std::vector<FrameNo> limits = FileLimits(scans);
  bool gap = false;
  for (size_t i = 0; i < scans.size(); ++i) {
    const FileScan& scan = scans[i];
    const ScannedCommit* last = LastCommit(scan, limits[i]);
    gap = gap || (last != nullptr &&
                  scan.first_frame > std::max(log->end.frame, log->checkpointed.frame).next());
    if (last == nullptr || gap) {
      log->leftovers.push_back(scan.path);
      continue;
    }
    RecoveredSegment accepted = Accept(scan, *last);
    AddPages(scan, accepted, log);
    if (last->point.frame > log->end.frame) log->end = last->point;
    log->segments.push_back(std::move(accepted));
    log->untouched = false;
  }
  // Frames that are in the database file need not be in the log.
  if (log->checkpointed.frame > log->end.frame) log->end = log->checkpointed;
}

bool EndsTransaction(const std::vector<FileScan>& scans, FrameNo frame) {
  return std::any_of(scans.begin(), scans.end(), [&](const FileScan& scan) {
    const ScannedCommit* last = LastCommit(scan, frame);
    return last != nullptr && last->point.frame == frame;
  });
}

// Intact records that no log writes: numbers that no counter reaches, or progress beyond the end.
absl::Status CheckPossible(const std::string& directory, const RecoveredLog& log) {
  constexpr uint64_t kHighestFrame = 1ull << 62;
  if (log.end.frame.value() <= kHighestFrame && log.sealed <= log.end.frame &&
      log.shipped <= log.end.frame) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      directory, ": impossible progress: the log ends at frame ", log.end.frame.value(),
      ", sealed ", log.sealed.value(), ", shipped ", log.shipped.value()));
}

// The place to name when frames that were durable are not there.
absl::Status Damage(const std::string& directory, const std::vector<FileScan>& scans,
                    const RecoveredLog& log) {
  for (const FileScan& scan : scans) {
    if (scan.tail != TailCase::kTorn) continue;
    const FrameNo last = scan.commits.empty() ? FrameNo(0) : scan.commits.back().point.frame;
    if (last > log.end.frame) continue;
    return absl::DataLossError(absl::StrCat(scan.path, ": damaged at offset ", scan.stop_offset,
                                            " (", scan.stopped_at, "): frames after ",
                                            log.end.frame.value(), " are lost, up to ",
                                            log.durable.value(), " were durable"));
  }
  return absl::DataLossError(absl::StrCat(directory, ": frames ", log.end.frame.next().value(),
                                          " to ", log.durable.value(),
                                          " were durable and are in no file"));
}

}  // namespace

absl::StatusOr<RecoveredLog> RecoverLog(io::FileSystem& files, const std::string& directory,
                                        OnDamage on_damage) {
  STRATA_ASSIGN_OR_RETURN(Listing listing, ListLog(files, directory));
  if (!listing.has_identity) {
    if (listing.files.empty()) return absl::NotFoundError(absl::StrCat(directory, ": no log"));
    return absl::DataLossError(
        absl::StrCat(directory, "/", kIdentityName, ": missing, but there are log files"));
  }
  RecoveredLog log;
  STRATA_ASSIGN_OR_RETURN(log.identity,
                          ReadIdentity(files, absl::StrCat(directory, "/", kIdentityName)));
  std::vector<FileScan> scans;
  for (const auto& [sequence, path] : listing.files) {
    absl::StatusOr<FileScan> scan = ScanLogFile(files, path, sequence, log.identity);
    if (absl::IsDataLoss(scan.status()) && on_damage == OnDamage::kAcceptLoss) {
      listing.temporaries.push_back(path);
      continue;
    }
    STRATA_RETURN_IF_ERROR(scan.status());
    scans.push_back(*std::move(scan));
  }
  log.next_sequence = listing.next_sequence;
  log.leftovers = std::move(listing.temporaries);
  BeginAtStart(&log);
  ReadMarks(scans, &log);
  TakeTransactions(scans, &log);
  if (log.durable > log.end.frame && on_damage == OnDamage::kAcceptLoss)
    log.durable = log.end.frame;
  if (log.durable > log.end.frame) return Damage(directory, scans, log);
  STRATA_RETURN_IF_ERROR(CheckPossible(directory, log));
  if (log.durable > log.checkpointed.frame && !EndsTransaction(scans, log.durable)) {
    return absl::DataLossError(absl::StrCat(directory, ": frame ", log.durable.value(),
                                            " is said to be durable and ends no transaction"));
  }
  return log;
}

}  // namespace strata::wal
