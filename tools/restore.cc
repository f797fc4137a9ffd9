#include "compactor/restore.h"

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "compactor/history.h"
#include "compactor/restore_target.h"
#include "io/clock.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/progress.h"

namespace strata::tools {
namespace {

class RestoreCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<RestoreCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<compactor::RestoreTarget> Target() const;
  absl::StatusOr<int> DryRun(io::ObjectStore* store, compactor::BlockCache* cache,
                             const compactor::NamespaceHistory& history,
                             const compactor::ResolvedTarget& target,
                             const compactor::RestorePlan& plan);
  int Nothing(const std::string& why);
  void PrintResolved(const compactor::ResolvedTarget& target) const;
  Json ResolvedJson(const compactor::ResolvedTarget& target) const;
  absl::StatusOr<int> RunRestore(io::ObjectStore* store, compactor::BlockCache* cache,
                                 const compactor::NamespaceHistory& history,
                                 const compactor::ResolvedTarget& target,
                                 const compactor::RestorePlan& plan);

  std::string ns_;
  std::string output_;
  std::string timestamp_;
  std::string log_id_;
  uint64_t frame_ = 0;
  bool has_frame_ = false;
  size_t threads_ = 0;
  bool dry_run_ = false;
  bool force_ = false;
  bool if_db_not_exists_ = false;
  bool if_replica_exists_ = false;
};

void RestoreCommand::AddTo(CommandLine* line, std::shared_ptr<RestoreCommand> self) {
  CLI::App* app = line->Add("restore", "Rebuild a database as it stood at a commit", self);
  AddStore(app);
  AddJson(app);
  app->add_option("namespace", ns_, "Name of the database in the store")->required();
  app->add_option("-o,--output", output_, "The file to write")->required();
  CLI::Option* timestamp = app->add_option("--timestamp", timestamp_,
                                           "The last commit at or before this time (RFC 3339)");
  app->add_option_function<uint64_t>(
         "--frame", [this](const uint64_t& frame) { frame_ = frame, has_frame_ = true; },
         "The last commit at or before this frame")
      ->excludes(timestamp);
  app->add_option("--log-id", log_id_, "A history other than the live one");
  app->add_option("--parallelism", threads_,
                  "Threads that fetch, decode and write (default: one a core; 16 for a store that "
                  "is not on this machine)")
      ->check(CLI::Range(1, 256));
  app->add_flag("--dry-run", dry_run_, "Say what would be fetched, and stop");
  app->add_flag("--force", force_,
                "Replace the output file; it is kept until the new one is in place");
  app->add_flag("--if-db-not-exists", if_db_not_exists_,
                "Fine, and do nothing, when the output file exists");
  app->add_flag("--if-replica-exists", if_replica_exists_,
                "Fine, and do nothing, when the store has nothing");
}

absl::StatusOr<compactor::RestoreTarget> RestoreCommand::Target() const {
  compactor::RestoreTarget target;
  if (has_frame_) target.frame = segment::FrameNo(frame_);
  if (!timestamp_.empty()) {
    STRATA_ASSIGN_OR_RETURN(target.time_us, ParseTime(timestamp_));
  }
  if (!log_id_.empty()) {
    STRATA_ASSIGN_OR_RETURN(target.log_id, segment::ParseLogId(log_id_));
  }
  return target;
}

int RestoreCommand::Nothing(const std::string& why) {
  PrintJson({{"restored", false}, {"reason", why}});
  if (!json()) std::cout << "nothing done: " << why << "\n";
  return kFine;
}

Json RestoreCommand::ResolvedJson(const compactor::ResolvedTarget& target) const {
  Json document = {{"namespace", ns_},
                   {"log_id", segment::ToString(target.log->log_id)},
                   {"commit", CommitJson(target.commit)},
                   {"exact", target.is_exact},
                   {"next_commit", nullptr},
                   {"page_size", target.log->page_size}};
  if (target.next) document["next_commit"] = CommitJson(*target.next);
  return document;
}

void RestoreCommand::PrintResolved(const compactor::ResolvedTarget& target) const {
  std::cout << "commit: " << DescribeCommit(target.commit) << "\n";
  if (target.is_exact) return;
  std::cout << "the commit after it: " << (target.next ? DescribeCommit(*target.next) : "none")
            << "\n";
}

absl::StatusOr<int> RestoreCommand::DryRun(io::ObjectStore* store, compactor::BlockCache* cache,
                                           const compactor::NamespaceHistory& history,
                                           const compactor::ResolvedTarget& target,
                                           const compactor::RestorePlan& plan) {
  compactor::RestoreOptions options;
  options.threads = threads_;
  STRATA_ASSIGN_OR_RETURN(
      const double seconds,
      compactor::EstimateSeconds(store, cache, &io::PosixFileSystem(), &io::SystemRandom(),
                                 &io::SystemClock(), history, target, plan, output_, options));
  Json segments = Json::array();
  if (!json()) PrintResolved(target);
  for (const compactor::PathStep& step : plan.path) {
    const compactor::CountedSegment& s = target.log->segments[step.segment];
    std::string object = segment::BuildSegmentKey(history.ns, s.key);
    segments.push_back({{"object", object}, {"bytes", s.size}, {"upto", step.upto.value()}});
    if (!json()) std::cout << object << "  " << FormatBytes(s.size) << "\n";
  }
  Json document = ResolvedJson(target);
  document.update(Json{{"dry_run", true},
                       {"segments", segments},
                       {"bytes", plan.bytes},
                       {"requests", plan.requests},
                       {"estimated_seconds", seconds}});
  PrintJson(document);
  if (json()) return kFine;
  std::cout << plan.path.size() << " segments, at most " << FormatBytes(plan.bytes) << " in "
            << plan.requests << " requests, about " << seconds << " s\n";
  return kFine;
}

absl::StatusOr<int> RestoreCommand::RunRestore(io::ObjectStore* store, compactor::BlockCache* cache,
                                               const compactor::NamespaceHistory& history,
                                               const compactor::ResolvedTarget& target,
                                               const compactor::RestorePlan& plan) {
  ProgressLine progress(absl::StrCat("restoring ", ns_), "pages", !json());
  compactor::RestoreOptions options;
  options.force = force_;
  options.threads = threads_;
  options.progress = progress.Callback();
  const int64_t begin_us = io::SystemClock().MonotonicMicros();
  STRATA_ASSIGN_OR_RETURN(
      compactor::RestoreResult result,
      compactor::Restore(store, cache, &io::PosixFileSystem(), &io::SystemRandom(), history, target,
                         plan, output_, options));
  const double seconds = static_cast<double>(io::SystemClock().MonotonicMicros() - begin_us) / 1e6;
  Json document = ResolvedJson(target);
  document.update(Json{{"restored", true},
                       {"output", output_},
                       {"bytes", result.database_bytes},
                       {"digest_checked", result.digest_checked},
                       {"seconds", seconds},
                       {"requests_made", RequestsJson(store->request_counts())}});
  PrintJson(document);
  if (!result.digest_checked)
    std::cerr << "strata: the segments carry no digest, so none was checked\n";
  if (json()) return kFine;
  PrintResolved(target);
  std::cout << output_ << ": " << FormatBytes(result.database_bytes) << ", digest "
            << (result.digest_checked ? FormatDigest(target.commit.digest) + " ok" : "unknown")
            << ", " << seconds << " s, " << store->request_counts().total() << " requests\n";
  return kFine;
}

absl::StatusOr<int> RestoreCommand::Run() {
  if (if_db_not_exists_ && io::PosixFileSystem().Stat(output_).ok()) {
    return Nothing(absl::StrCat(output_, " exists"));
  }
  STRATA_ASSIGN_OR_RETURN(compactor::RestoreTarget wanted, Target());
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store,
                          if_replica_exists_ ? OpenStore() : OpenExistingStore());
  STRATA_ASSIGN_OR_RETURN(compactor::NamespaceHistory history, compactor::LoadHistory(*store, ns_));
  if (if_replica_exists_ && history.live() == nullptr) {
    return Nothing(absl::StrCat("the store has nothing of ", ns_));
  }
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(compactor::ResolvedTarget target,
                          compactor::ResolveTarget(store.get(), &cache, history, wanted));
  STRATA_ASSIGN_OR_RETURN(compactor::RestorePlan plan, compactor::PlanRestore(history, target));
  if (dry_run_) return DryRun(store.get(), &cache, history, target, plan);
  return RunRestore(store.get(), &cache, history, target, plan);
}

}  // namespace

void AddRestoreCommand(CommandLine* line) {
  auto command = std::make_shared<RestoreCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
