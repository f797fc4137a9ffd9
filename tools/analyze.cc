#include <iostream>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "compactor/cached_history.h"
#include "compactor/history.h"
#include "compactor/savings.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/format.h"

namespace strata::tools {
namespace {

using compactor::CountedSegment;
using compactor::LogHistory;
using compactor::PathStep;

class AnalyzeCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<AnalyzeCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status PrintSavings(io::ObjectStore* store, const LogHistory& log) const;
  absl::StatusOr<compactor::NamespaceHistory> Load();
  void PrintDot(const LogHistory& log, const std::vector<PathStep>& path) const;
  void Print(const LogHistory& log, segment::FrameNo target,
             const std::vector<PathStep>& path) const;

  std::string ns_;
  uint64_t frame_ = 0;
  bool dot_ = false;
  bool savings_ = false;
  bool cached_ = false;
};

void AnalyzeCommand::AddTo(CommandLine* line, std::shared_ptr<AnalyzeCommand> self) {
  CLI::App* app =
      line->Add("analyze", "The cheapest restore path, and the graph it was found in", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  app->add_option("namespace", ns_, "Name of the database in the store")->required();
  app->add_option("--frame", frame_, "Where the path leads (default: the end)");
  app->add_flag("--savings", savings_, "What encoding anew, and training anew, would save");
  app->add_flag("--cached", cached_, "As far as the meta-db knows, without asking the store");
  app->add_flag("--dot", dot_, "The frame graph in Graphviz's language, the path in bold");
}

Json SavingsJson(const compactor::SavingsEstimate& estimate) {
  return {{"bytes", estimate.bytes},
          {"looked_at", estimate.looked_at},
          {"recompressed", estimate.recompressed},
          {"retrained", estimate.retrained}};
}

void PrintSavingsLine(const char* kind, const compactor::SavingsEstimate& estimate) {
  std::cout << kind << ": " << FormatBytes(estimate.bytes) << "; encoded anew about "
            << FormatBytes(estimate.recompressed) << ", after training about "
            << FormatBytes(estimate.retrained) << "\n";
}

absl::Status AnalyzeCommand::PrintSavings(io::ObjectStore* store, const LogHistory& log) const {
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(const compactor::Savings savings,
                          compactor::EstimateSavings(store, &cache, ns_, log));
  PrintJson({{"namespace", ns_},
             {"sealed", SavingsJson(savings.sealed)},
             {"compacted", SavingsJson(savings.compacted)}});
  if (json()) return absl::OkStatus();
  PrintSavingsLine("sealed", savings.sealed);
  PrintSavingsLine("compacted", savings.compacted);
  return absl::OkStatus();
}

void AnalyzeCommand::PrintDot(const LogHistory& log, const std::vector<PathStep>& path) const {
  std::set<size_t> chosen;
  for (const PathStep& step : path) chosen.insert(step.segment);
  std::cout << "digraph frames {\n  rankdir=LR;\n  node [shape=box];\n";
  for (size_t i = 0; i < log.segments.size(); ++i) {
    const CountedSegment& s = log.segments[i];
    std::cout << "  \"" << s.key.first.value() - 1 << "\" -> \"" << s.upto.value() << "\" [label=\""
              << (s.is_sealed() ? "sealed" : absl::StrCat("level ", s.key.level)) << ", "
              << FormatBytes(s.size) << "\""
              << (chosen.contains(i) ? ", style=bold, color=red" : "") << "];\n";
  }
  std::cout << "}\n";
}

void AnalyzeCommand::Print(const LogHistory& log, segment::FrameNo target,
                           const std::vector<PathStep>& path) const {
  uint64_t bytes = 0;
  uint64_t requests = 0;
  Json steps = Json::array();
  for (const PathStep& step : path) {
    const CountedSegment& s = log.segments[step.segment];
    bytes += s.size;
    requests += compactor::RequestsFor(s.size);
    const std::string object = segment::BuildSegmentKey(ns_, s.key);
    steps.push_back({{"object", object},
                     {"first_frame", s.key.first.value()},
                     {"upto", step.upto.value()},
                     {"level", s.key.level},
                     {"bytes", s.size}});
    if (!json()) std::cout << object << "  " << FormatBytes(s.size) << "\n";
  }
  PrintJson({{"namespace", ns_},
             {"log_id", segment::ToString(log.log_id)},
             {"target_frame", target.value()},
             {"segments_in_store", log.segments.size()},
             {"path", steps},
             {"bytes", bytes},
             {"requests", requests}});
  if (json()) return;
  std::cout << path.size() << " of " << log.segments.size() << " segments lead to frame "
            << target.value() << ": " << FormatBytes(bytes) << " in " << requests << " requests\n";
}

absl::StatusOr<compactor::NamespaceHistory> AnalyzeCommand::Load() {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store, OpenStore());
  if (!cached_) return compactor::LoadHistory(*store, ns_);
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<meta::MetaDb> meta_db, OpenMeta());
  STRATA_ASSIGN_OR_RETURN(compactor::CachedHistory cached,
                          compactor::LoadCachedHistory(meta_db.get(), store->url(), ns_));
  return std::move(cached.history);
}

absl::StatusOr<int> AnalyzeCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(compactor::NamespaceHistory history, Load());
  const LogHistory* log = history.live();
  if (log == nullptr) return absl::NotFoundError(absl::StrCat("namespace ", ns_, ": no segments"));
  if (savings_) {
    STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store, OpenExistingStore());
    STRATA_RETURN_IF_ERROR(PrintSavings(store.get(), *log));
    return kFine;
  }
  segment::FrameNo target = frame_ == 0 ? compactor::EndOf(*log) : segment::FrameNo(frame_);
  absl::StatusOr<std::vector<PathStep>> path = compactor::PlanPath(ns_, *log, target);
  if (dot_) PrintDot(*log, path.ok() ? *path : std::vector<PathStep>());
  if (!path.ok() && target <= compactor::EndOf(*log)) {
    std::cerr << "strata: " << path.status().message() << "\n";
    PrintJson({{"namespace", ns_}, {"finding", std::string(path.status().message())}});
    return kFoundSomethingWrong;
  }
  STRATA_RETURN_IF_ERROR(path.status());
  if (!dot_) Print(*log, target, *path);
  return kFine;
}

}  // namespace

void AddAnalyzeCommand(CommandLine* line) {
  auto command = std::make_shared<AnalyzeCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
