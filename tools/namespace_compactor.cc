#include "tools/namespace_compactor.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "tools/progress.h"

namespace strata::tools {

using compactor::CompactionResult;
using compactor::LogHistory;
using compactor::NamespaceHistory;
using compactor::PlannedCompaction;

absl::Status NamespaceCompactor::FindMonitored() {
  namespace_id_.reset();
  if (meta_db_ == nullptr) return absl::OkStatus();
  const absl::StatusOr<meta::MonitoredNamespace> monitored = meta_db_->Find(store_->url(), ns_);
  if (monitored.ok()) namespace_id_ = monitored->id;
  return absl::IsNotFound(monitored.status()) ? absl::OkStatus() : monitored.status();
}

absl::StatusOr<CompactionResult> NamespaceCompactor::Merge(const NamespaceHistory& history,
                                                           const LogHistory& log,
                                                           const PlannedCompaction& plan) {
  ProgressLine progress(absl::StrCat("compacting ", ns_), "pages", settings_.show_progress);
  compactor::CompactionOptions options;
  options.encoding.codec = settings_.codec;
  options.encoding.zstd_level = settings_.zstd_level;
  options.dictionary.train = settings_.train;
  options.dictionary.fewest_pages = settings_.dictionary_pages;
  options.threads = settings_.threads;
  options.progress = progress.Callback();
  return compactor::Compact(store_, &cache_, &io::SystemClock(), &io::SystemRandom(), history, log,
                            plan, options);
}

// A merge that the meta-db knows of, from its beginning on.
absl::StatusOr<CompactionResult> NamespaceCompactor::Record(const NamespaceHistory& history,
                                                            const LogHistory& log,
                                                            const PlannedCompaction& plan) {
  if (!namespace_id_) return Merge(history, log, plan);
  STRATA_ASSIGN_OR_RETURN(
      const int64_t job,
      meta_db_->StartJob(*namespace_id_, "compact", segment::BuildSegmentKey(ns_, plan.output),
                         io::SystemClock().NowMicros()));
  absl::StatusOr<CompactionResult> result = Merge(history, log, plan);
  const absl::Status outcome =
      result.ok() ? meta_db_->AddSegments(*namespace_id_, {result->output}) : result.status();
  STRATA_RETURN_IF_ERROR(meta_db_->EndJob(job, outcome, io::SystemClock().NowMicros()));
  STRATA_RETURN_IF_ERROR(outcome);
  return result;
}

absl::StatusOr<bool> NamespaceCompactor::RunRound(const Report& report) {
  STRATA_ASSIGN_OR_RETURN(const NamespaceHistory history, compactor::LoadHistory(*store_, ns_));
  const LogHistory* log = history.live();
  if (log == nullptr)
    return absl::NotFoundError(absl::StrCat("namespace ", ns_, ": nothing to compact"));
  STRATA_ASSIGN_OR_RETURN(const std::vector<PlannedCompaction> plans,
                          compactor::PlanCompactions(history, *log, settings_.strategy));
  for (const PlannedCompaction& plan : plans) {
    std::optional<CompactionResult> result;
    if (!settings_.dry_run) {
      STRATA_ASSIGN_OR_RETURN(result, Record(history, *log, plan));
    }
    report(plan, result);
  }
  return !plans.empty() && !settings_.dry_run;
}

absl::Status NamespaceCompactor::Run(const std::string& ns, const Report& report) {
  ns_ = ns;
  STRATA_RETURN_IF_ERROR(FindMonitored());
  if (!settings_.dry_run) STRATA_RETURN_IF_ERROR(store_->RemoveLeftovers(ns_ + "/").status());
  bool more = true;
  while (more) {
    STRATA_ASSIGN_OR_RETURN(more, RunRound(report));
  }
  return absl::OkStatus();
}

}  // namespace strata::tools
