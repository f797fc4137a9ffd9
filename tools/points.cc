#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "compactor/cached_history.h"
#include "compactor/timeline.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/format.h"

namespace strata::tools {
namespace {

using compactor::LogHistory;
using compactor::Timeline;
using compactor::TimelineStretch;

class PointsCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<PointsCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<Json> PointsOf(io::ObjectStore* store, const LogHistory& log, bool is_live);
  Json StretchJson(const TimelineStretch& stretch) const;
  void PrintStretch(const TimelineStretch& stretch) const;

  absl::StatusOr<int> RunCached(io::ObjectStore* store);
  absl::StatusOr<Json> CoverageJson(const LogHistory& log, bool is_live);

  std::string ns_;
  bool commits_ = false;
  bool cached_ = false;
  bool all_complete_ = true;
};

void PointsCommand::AddTo(CommandLine* line, std::shared_ptr<PointsCommand> self) {
  CLI::App* app =
      line->Add("points", "What can be restored: which commits, and how large they are", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  app->add_option("namespace", ns_, "Name of the database in the store")->required();
  CLI::Option* commits = app->add_flag("--commits", commits_, "List every commit");
  app->add_flag("--cached", cached_, "Which frames, as far as the meta-db knows; asks no store")
      ->excludes(commits);
}

Json PointsCommand::StretchJson(const TimelineStretch& stretch) const {
  Json document = {{"object", segment::BuildSegmentKey(ns_, stretch.key)},
                   {"bytes", stretch.bytes},
                   {"exact", stretch.is_exact},
                   {"commits", stretch.commits.size()},
                   {"first", CommitJson(stretch.commits.front())},
                   {"last", CommitJson(stretch.commits.back())}};
  if (!commits_) return document;
  Json list = Json::array();
  for (const segment::CommitEntry& commit : stretch.commits) list.push_back(CommitJson(commit));
  document["commit_list"] = list;
  return document;
}

void PointsCommand::PrintStretch(const TimelineStretch& stretch) const {
  if (json()) return;
  const segment::CommitEntry& last = stretch.commits.back();
  std::cout << "frames " << stretch.key.first.value() << " to " << last.frame.value() << ", up to "
            << FormatTime(last.time_us) << ": "
            << (stretch.is_exact ? absl::StrCat("each of ", stretch.commits.size(), " commits")
                                 : "the last commit only")
            << ", " << FormatBytes(stretch.bytes) << "\n";
  if (!commits_) return;
  for (const segment::CommitEntry& commit : stretch.commits) {
    std::cout << "  " << DescribeCommit(commit) << ", digest " << FormatDigest(commit.digest)
              << "\n";
  }
}

absl::StatusOr<Json> PointsCommand::PointsOf(io::ObjectStore* store, const LogHistory& log,
                                             bool is_live) {
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(Timeline timeline, Timeline::Open(store, &cache, ns_, &log));
  if (!json()) {
    std::cout << "log id " << segment::ToString(log.log_id) << (is_live ? " (live)" : "")
              << ", page size " << log.page_size << "\n";
  }
  uint64_t commits = 0;
  std::optional<segment::CommitEntry> first;
  std::optional<segment::CommitEntry> last;
  Json stretches = Json::array();
  for (size_t i = 0; i < timeline.size(); ++i) {
    STRATA_ASSIGN_OR_RETURN(TimelineStretch stretch, timeline.Stretch(i));
    commits += stretch.commits.size();
    if (!first) first = stretch.commits.front();
    last = stretch.commits.back();
    if (json()) stretches.push_back(StretchJson(stretch));
    PrintStretch(stretch);
  }
  absl::Status complete = timeline.CheckComplete();
  if (!complete.ok()) all_complete_ = false;
  if (!json()) {
    if (first)
      std::cout << "first: " << DescribeCommit(*first) << "\nlast:  " << DescribeCommit(*last)
                << "\n";
    std::cout << commits << " commits can be restored\n";
    if (!complete.ok()) std::cout << "WRONG " << complete.message() << "\n";
  }
  Json document = {{"log_id", segment::ToString(log.log_id)},
                   {"live", is_live},
                   {"page_size", log.page_size},
                   {"commits", commits},
                   {"complete", complete.ok()},
                   {"stretches", stretches}};
  if (first) document["first"] = CommitJson(*first);
  if (last) document["last"] = CommitJson(*last);
  if (!complete.ok()) document["finding"] = std::string(complete.message());
  return document;
}

absl::StatusOr<Json> PointsCommand::CoverageJson(const LogHistory& log, bool is_live) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<compactor::CoveredStretch> coverage,
                          compactor::CoverageOf(ns_, log));
  Json stretches = Json::array();
  if (!json()) {
    std::cout << "log id " << segment::ToString(log.log_id) << (is_live ? " (live)" : "") << "\n";
  }
  for (const compactor::CoveredStretch& stretch : coverage) {
    stretches.push_back({{"first_frame", stretch.first.value()},
                         {"last_frame", stretch.last.value()},
                         {"exact", stretch.is_exact},
                         {"segments", stretch.segments},
                         {"bytes", stretch.bytes}});
    if (json()) continue;
    std::cout << "frames " << stretch.first.value() << " to " << stretch.last.value() << ": "
              << (stretch.is_exact ? "every commit" : "the last commit only") << ", "
              << stretch.segments << " segments, " << FormatBytes(stretch.bytes) << "\n";
  }
  const absl::Status complete = compactor::PlanExactPath(ns_, log, compactor::EndOf(log)).status();
  all_complete_ &= complete.ok();
  if (!complete.ok() && !json()) std::cout << "WRONG " << complete.message() << "\n";
  Json document = {{"log_id", segment::ToString(log.log_id)},
                   {"live", is_live},
                   {"page_size", log.page_size},
                   {"complete", complete.ok()},
                   {"stretches", stretches}};
  if (!complete.ok()) document["finding"] = std::string(complete.message());
  return document;
}

absl::StatusOr<int> PointsCommand::RunCached(io::ObjectStore* store) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<meta::MetaDb> meta_db, OpenMeta());
  STRATA_ASSIGN_OR_RETURN(const compactor::CachedHistory cached,
                          compactor::LoadCachedHistory(meta_db.get(), store->url(), ns_));
  const LogHistory* live = cached.history.live();
  if (live == nullptr) return compactor::NothingToRestore(ns_);
  Json logs = Json::array();
  for (const LogHistory& log : cached.history.logs) {
    if (log.segments.empty()) continue;
    STRATA_ASSIGN_OR_RETURN(Json covered, CoverageJson(log, &log == live));
    logs.push_back(covered);
  }
  if (!json()) std::cout << "as the store was on " << FormatTime(cached.synced_us) << "\n";
  PrintJson({{"namespace", ns_}, {"synced", FormatTime(cached.synced_us)}, {"logs", logs}});
  return all_complete_ ? kFine : kFoundSomethingWrong;
}

absl::StatusOr<int> PointsCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store,
                          cached_ ? OpenStore() : OpenExistingStore());
  if (cached_) return RunCached(store.get());
  STRATA_ASSIGN_OR_RETURN(compactor::NamespaceHistory history, compactor::LoadHistory(*store, ns_));
  const LogHistory* live = history.live();
  if (live == nullptr) return compactor::NothingToRestore(ns_);
  Json logs = Json::array();
  for (const LogHistory& log : history.logs) {
    if (log.segments.empty()) continue;
    STRATA_ASSIGN_OR_RETURN(Json points, PointsOf(store.get(), log, &log == live));
    logs.push_back(points);
  }
  PrintJson({{"namespace", ns_}, {"logs", logs}});
  return all_complete_ ? kFine : kFoundSomethingWrong;
}

}  // namespace

void AddPointsCommand(CommandLine* line) {
  auto command = std::make_shared<PointsCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
