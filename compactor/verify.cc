#include "compactor/verify.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compactor/block_cache.h"
#include "compactor/digest_walk.h"
#include "compactor/lenient_history.h"
#include "compactor/restore.h"
#include "compactor/segment_chain.h"
#include "io/status_macros.h"
#include "meta/integrity_check.h"

namespace strata::compactor {
namespace {

using segment::CommitEntry;
using segment::FrameNo;
using segment::SegmentReader;
using segment::StoredSegment;

// Damage speaks of the object; anything else is trouble with the store itself.
bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsInvalidArgument(status) ||
         absl::IsUnimplemented(status) || absl::IsNotFound(status) ||
         absl::IsFailedPrecondition(status) || absl::IsOutOfRange(status);
}

// One run over a namespace.
class Verification {
 public:
  Verification(io::ObjectStore* store, io::FileSystem* file_system, io::Random* random,
               const VerifyOptions& options)
      : store_(store), file_system_(file_system), random_(random), options_(options) {}

  absl::StatusOr<VerifyReport> Run(absl::string_view ns);

 private:
  bool is_full() const { return options_.depth == VerifyDepth::kFull; }
  bool restores() const { return options_.depth != VerifyDepth::kQuick; }
  void Find(absl::string_view object, absl::string_view message);
  absl::Status FindDamage(absl::string_view object, const absl::Status& status);

  absl::Status VerifyLog(const LogHistory& log);
  absl::Status VerifySegment(const LogHistory& log, const StoredSegment& stored, FrameNo upto);
  void CompareCommits(const SegmentReader& reader, FrameNo upto);
  void VerifyContiguity(const LogHistory& log);
  void VerifyOthers();
  absl::Status VerifyDigests(const LogHistory& log);
  absl::Status VerifyLatest();

  io::ObjectStore* const store_;
  io::FileSystem* const file_system_;
  io::Random* const random_;
  const VerifyOptions& options_;
  BlockCache cache_;
  LenientHistory lenient_;
  VerifyReport report_;
  uint64_t bytes_done_ = 0;
  // Of the log at hand: what the first segment that has a commit says of it.
  absl::flat_hash_map<uint64_t, CommitEntry> commits_;
};

void Verification::Find(absl::string_view object, absl::string_view message) {
  report_.findings.push_back({std::string(object), std::string(message)});
}

absl::Status Verification::FindDamage(absl::string_view object, const absl::Status& status) {
  if (status.ok()) return status;
  if (!IsDamage(status)) return status;
  Find(object, status.message());
  return absl::OkStatus();
}

void Verification::CompareCommits(const SegmentReader& reader, FrameNo upto) {
  int64_t last_time_us = INT64_MIN;
  for (const CommitEntry& commit : reader.commits()) {
    if (commit.frame > upto) break;
    if (commit.time_us < last_time_us) {
      Find(reader.source().name(), absl::StrCat("the commit at frame ", commit.frame.value(),
                                                " is older than the one before it"));
    }
    last_time_us = commit.time_us;
    auto [known, is_new] = commits_.emplace(commit.frame.value(), commit);
    if (is_new) {
      ++report_.commits;
      continue;
    }
    const CommitEntry& other = known->second;
    if (other.digest == commit.digest && other.database_pages == commit.database_pages &&
        other.time_us == commit.time_us) {
      continue;
    }
    Find(reader.source().name(),
         absl::StrFormat(
             "the commit at frame %d: %d pages, digest %016x; another segment says %d pages, "
             "digest %016x",
             commit.frame.value(), commit.database_pages, commit.digest, other.database_pages,
             other.digest));
  }
}

absl::Status Verification::VerifySegment(const LogHistory& log, const StoredSegment& stored,
                                         FrameNo upto) {
  ++report_.segments;
  const std::string object = segment::BuildSegmentKey(lenient_.history.ns, stored.key);
  auto reader = OpenStoredSegment(store_, &cache_, lenient_.history.ns, stored, log.page_size);
  if (!reader.ok()) return FindDamage(object, reader.status());
  CompareCommits(**reader, upto);
  if (is_full()) STRATA_RETURN_IF_ERROR(FindDamage(object, (*reader)->VerifyAll()));
  bytes_done_ += stored.size;
  if (options_.progress) options_.progress(bytes_done_, lenient_.bytes);
  return absl::OkStatus();
}

void Verification::VerifyContiguity(const LogHistory& log) {
  std::vector<GraphSegment> graph = BuildGraph(log);
  for (const FrameRange& gap : MissingRanges(graph, HighestFrame(graph))) {
    Find(
        absl::StrCat(lenient_.history.ns, "/segments/", segment::ToString(log.log_id)),
        absl::StrCat("frames ", gap.first.value(), " to ", gap.last.value(), " are in no segment"));
  }
}

absl::Status Verification::VerifyLog(const LogHistory& log) {
  commits_.clear();
  const size_t findings_before = report_.findings.size();
  for (const CountedSegment& s : log.segments) {
    STRATA_RETURN_IF_ERROR(VerifySegment(log, {s.key, s.size}, s.upto));
  }
  for (const StoredSegment& stored : log.fenced) {
    const std::string object = segment::BuildSegmentKey(lenient_.history.ns, stored.key);
    report_.notes.push_back({object, "does not count: a later epoch took over before its end"});
    STRATA_RETURN_IF_ERROR(VerifySegment(log, stored, FrameNo()));
  }
  VerifyContiguity(log);
  // Digests over what is damaged would only repeat the findings.
  if (is_full() && report_.findings.size() == findings_before) return VerifyDigests(log);
  return absl::OkStatus();
}

absl::Status Verification::VerifyDigests(const LogHistory& log) {
  if (log.segments.empty()) return absl::OkStatus();
  DigestWalk walk(store_, &cache_, lenient_.history.ns, log);
  STRATA_RETURN_IF_ERROR(FindDamage(
      absl::StrCat(lenient_.history.ns, "/segments/", segment::ToString(log.log_id)), walk.Run()));
  report_.digests_checked += walk.digests_checked();
  for (const VerifyFinding& finding : walk.findings()) report_.findings.push_back(finding);
  for (const VerifyFinding& note : walk.notes()) report_.notes.push_back(note);
  return absl::OkStatus();
}

void Verification::VerifyOthers() {
  for (const StoredSegment& stored : lenient_.history.unclaimed) {
    Find(segment::BuildSegmentKey(lenient_.history.ns, stored.key),
         "of a log id that no epoch claims");
  }
}

absl::Status Verification::VerifyLatest() {
  auto target = ResolveTarget(store_, &cache_, lenient_.history, RestoreTarget());
  if (!target.ok()) return FindDamage(lenient_.history.ns, target.status());
  auto plan = PlanRestore(lenient_.history, *target);
  if (!plan.ok()) return FindDamage(lenient_.history.ns, plan.status());
  const std::string path = absl::StrCat(options_.scratch_directory, "/strata-verify-",
                                        absl::Hex(random_->Next64(), absl::kZeroPad16), ".db");
  auto restored = Restore(store_, &cache_, file_system_, random_, lenient_.history, *target, *plan,
                          path, RestoreOptions());
  if (!restored.ok()) return FindDamage(lenient_.history.ns, restored.status());
  absl::StatusOr<std::vector<std::string>> lines = meta::IntegrityCheck(path);
  STRATA_RETURN_IF_ERROR(file_system_->Unlink(path));
  report_.integrity_checked = true;
  if (!lines.ok()) {
    Find(lenient_.history.ns, absl::StrCat("integrity_check: ", lines.status().message()));
    return absl::OkStatus();
  }
  for (const std::string& line : *lines)
    Find(lenient_.history.ns, absl::StrCat("integrity_check: ", line));
  return absl::OkStatus();
}

absl::StatusOr<VerifyReport> Verification::Run(absl::string_view ns) {
  STRATA_ASSIGN_OR_RETURN(lenient_, LoadLenientHistory(store_, ns, is_full()));
  if (lenient_.objects == 0) return NotInTheStore(ns);
  report_.findings = lenient_.findings;
  report_.notes = lenient_.notes;
  report_.objects = lenient_.objects;
  report_.bytes = lenient_.bytes;
  for (const LogHistory& log : lenient_.history.logs) STRATA_RETURN_IF_ERROR(VerifyLog(log));
  VerifyOthers();
  const bool has_database = lenient_.history.live() != nullptr;
  if (restores() && has_database && report_.findings.empty())
    STRATA_RETURN_IF_ERROR(VerifyLatest());
  return std::move(report_);
}

}  // namespace

absl::StatusOr<VerifyReport> Verify(io::ObjectStore* store, io::FileSystem* file_system,
                                    io::Random* random, absl::string_view ns,
                                    const VerifyOptions& options) {
  return Verification(store, file_system, random, options).Run(ns);
}

}  // namespace strata::compactor
