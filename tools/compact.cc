#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "compactor/compaction.h"
#include "compactor/recompression.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/progress.h"

namespace strata::tools {
namespace {

using compactor::CompactionResult;
using compactor::LogHistory;
using compactor::NamespaceHistory;
using compactor::PlannedCompaction;

class CompactCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<CompactCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status Prepare();
  absl::StatusOr<bool> RunRound();  // false: nothing left to do
  absl::Status RunOne(const NamespaceHistory& history, const LogHistory& log,
                      const PlannedCompaction& plan);
  absl::StatusOr<CompactionResult> CompactOne(const NamespaceHistory& history,
                                              const LogHistory& log, const PlannedCompaction& plan);
  absl::StatusOr<int> RunRecompression();
  void ReportRecompressed(const std::vector<compactor::RecompressedSegment>& segments);
  absl::Status Record(const CompactionResult& result);
  void Report(const PlannedCompaction& plan, const std::optional<CompactionResult>& result);

  std::string ns_;
  std::string strategy_name_ = "log";
  std::string codec_name_ = "dictionary";
  segment::Codec codec_ = segment::Codec::kZstdDictionary;
  int zstd_level_ = 6;
  bool dry_run_ = false;
  bool train_ = false;
  bool recompress_ = false;
  uint64_t dictionary_pages_ = 2000;

  compactor::Strategy strategy_ = compactor::Strategy::kLogarithmic;
  std::unique_ptr<io::ObjectStore> store_;
  compactor::BlockCache cache_;
  std::unique_ptr<meta::MetaDb> meta_db_;  // null: the namespace is not monitored
  int64_t namespace_id_ = 0;
  Json merges_ = Json::array();
};

void CompactCommand::AddTo(CommandLine* line, std::shared_ptr<CompactCommand> self) {
  CLI::App* app = line->Add("compact", "Merge segments, so that a restore fetches less", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  app->add_option("namespace", ns_, "Name of the database in the store")->required();
  app->add_option("--strategy", strategy_name_, "Which segments to merge")
      ->check(CLI::IsMember({"all", "log", "tiered"}))
      ->capture_default_str();
  app->add_option("--codec", codec_name_, "How pages are stored")
      ->check(CLI::IsMember({"raw", "zstd", "dictionary"}))
      ->capture_default_str();
  app->add_option("--level", zstd_level_, "Effort of zstd")
      ->check(CLI::Range(1, 19))
      ->capture_default_str();
  app->add_option("--dictionary-pages", dictionary_pages_,
                  "Pages from which on a first dictionary is trained (0: never)")
      ->capture_default_str();
  app->add_flag("--recompress", recompress_, "Merge nothing: encode anew what is stored");
  app->add_flag("--train", train_, "Train a new dictionary, whatever there is");
  app->add_flag("--dry-run", dry_run_, "Say what would be merged, and stop");
}

absl::Status CompactCommand::Prepare() {
  if (codec_name_ == "raw") codec_ = segment::Codec::kRaw;
  if (codec_name_ == "zstd") codec_ = segment::Codec::kZstd;
  STRATA_ASSIGN_OR_RETURN(strategy_, compactor::ParseStrategy(strategy_name_));
  STRATA_ASSIGN_OR_RETURN(store_, OpenStore());
  STRATA_ASSIGN_OR_RETURN(meta_db_, OpenMetaIfThere());
  if (meta_db_ == nullptr) return absl::OkStatus();
  absl::StatusOr<meta::MonitoredNamespace> monitored = meta_db_->Find(store_->url(), ns_);
  if (monitored.ok()) {
    namespace_id_ = monitored->id;
    return absl::OkStatus();
  }
  meta_db_.reset();
  return absl::IsNotFound(monitored.status()) ? absl::OkStatus() : monitored.status();
}

void CompactCommand::Report(const PlannedCompaction& plan,
                            const std::optional<CompactionResult>& result) {
  const std::string object = segment::BuildSegmentKey(ns_, plan.output);
  Json merge = {{"object", object},
                {"first_frame", plan.output.first.value()},
                {"last_frame", plan.output.last.value()},
                {"level", plan.output.level},
                {"inputs", plan.inputs.size()},
                {"input_bytes", plan.input_bytes}};
  if (result) {
    merge.update(Json{{"bytes", result->output.size},
                      {"pages", result->pages},
                      {"digest_checked", result->digest_checked},
                      {"was_there", result->was_there},
                      {"commits_left_out", result->commits_left_out}});
  }
  merges_.push_back(merge);
  if (json()) return;
  std::cout << object << ": " << plan.inputs.size() << " segments, "
            << FormatBytes(plan.input_bytes);
  if (result) {
    std::cout << " -> " << FormatBytes(result->output.size) << ", " << result->pages
              << " pages, digest " << (result->digest_checked ? "ok" : "of each page ok");
    if (result->commits_left_out > 0) {
      std::cout << ", " << result->commits_left_out << " commits left out of its table";
    }
  }
  std::cout << "\n";
}

absl::Status CompactCommand::Record(const CompactionResult& result) {
  if (meta_db_ == nullptr) return absl::OkStatus();
  return meta_db_->AddSegments(namespace_id_, {result.output});
}

absl::StatusOr<CompactionResult> CompactCommand::CompactOne(const NamespaceHistory& history,
                                                            const LogHistory& log,
                                                            const PlannedCompaction& plan) {
  ProgressLine progress(absl::StrCat("compacting ", ns_), "pages", !json());
  compactor::CompactionOptions options;
  options.encoding.codec = codec_;
  options.encoding.zstd_level = zstd_level_;
  options.dictionary.train = train_;
  options.dictionary.fewest_pages = dictionary_pages_;
  options.progress = progress.Callback();
  return compactor::Compact(store_.get(), &cache_, &io::SystemClock(), &io::SystemRandom(), history,
                            log, plan, options);
}

absl::Status CompactCommand::RunOne(const NamespaceHistory& history, const LogHistory& log,
                                    const PlannedCompaction& plan) {
  int64_t job = 0;
  if (meta_db_ != nullptr) {
    STRATA_ASSIGN_OR_RETURN(job, meta_db_->StartJob(namespace_id_, "compact",
                                                    segment::BuildSegmentKey(ns_, plan.output),
                                                    io::SystemClock().NowMicros()));
  }
  absl::StatusOr<CompactionResult> result = CompactOne(history, log, plan);
  absl::Status outcome = result.ok() ? Record(*result) : result.status();
  if (meta_db_ != nullptr) {
    STRATA_RETURN_IF_ERROR(meta_db_->EndJob(job, outcome, io::SystemClock().NowMicros()));
  }
  STRATA_RETURN_IF_ERROR(outcome);
  Report(plan, *result);
  return absl::OkStatus();
}

void CompactCommand::ReportRecompressed(
    const std::vector<compactor::RecompressedSegment>& segments) {
  Json list = Json::array();
  uint64_t before = 0;
  uint64_t after = 0;
  for (const compactor::RecompressedSegment& segment : segments) {
    before += segment.before.size;
    after += segment.after.size;
    list.push_back({{"object", segment::BuildSegmentKey(ns_, segment.after.key)},
                    {"bytes_before", segment.before.size},
                    {"bytes", segment.after.size}});
  }
  PrintJson({{"namespace", ns_}, {"segments", list}, {"bytes_before", before}, {"bytes", after}});
  if (json()) return;
  std::cout << ns_ << ": " << segments.size() << " segments, " << FormatBytes(before) << " -> "
            << FormatBytes(after) << "\n";
}

absl::StatusOr<int> CompactCommand::RunRecompression() {
  STRATA_ASSIGN_OR_RETURN(NamespaceHistory history, compactor::LoadHistory(*store_, ns_));
  const LogHistory* log = history.live();
  if (log == nullptr)
    return absl::NotFoundError(absl::StrCat("namespace ", ns_, ": nothing to recompress"));
  compactor::RecompressionOptions options;
  options.zstd_level = zstd_level_;
  options.dictionary.train = train_;
  options.dictionary.fewest_pages = dictionary_pages_;
  ProgressLine progress(absl::StrCat("recompressing ", ns_), "segments", !json());
  STRATA_ASSIGN_OR_RETURN(
      const std::vector<compactor::RecompressedSegment> segments,
      compactor::Recompress(store_.get(), &cache_, &io::SystemClock(), &io::SystemRandom(), history,
                            *log, options, progress.Callback()));
  ReportRecompressed(segments);
  return kFine;
}

absl::StatusOr<bool> CompactCommand::RunRound() {
  STRATA_ASSIGN_OR_RETURN(NamespaceHistory history, compactor::LoadHistory(*store_, ns_));
  const LogHistory* log = history.live();
  if (log == nullptr)
    return absl::NotFoundError(absl::StrCat("namespace ", ns_, ": nothing to compact"));
  STRATA_ASSIGN_OR_RETURN(std::vector<PlannedCompaction> plans,
                          compactor::PlanCompactions(history, *log, strategy_));
  for (const PlannedCompaction& plan : plans) {
    if (dry_run_) {
      Report(plan, std::nullopt);
    } else {
      STRATA_RETURN_IF_ERROR(RunOne(history, *log, plan));
    }
  }
  return !plans.empty() && !dry_run_;
}

absl::StatusOr<int> CompactCommand::Run() {
  STRATA_RETURN_IF_ERROR(Prepare());
  if (!dry_run_) STRATA_RETURN_IF_ERROR(store_->RemoveLeftovers(ns_ + "/").status());
  if (recompress_) return RunRecompression();
  bool more = true;
  while (more) {
    STRATA_ASSIGN_OR_RETURN(more, RunRound());
  }
  PrintJson({{"namespace", ns_},
             {"strategy", strategy_name_},
             {"dry_run", dry_run_},
             {"merges", merges_}});
  if (!json() && merges_.empty()) std::cout << ns_ << ": nothing to merge\n";
  return kFine;
}

}  // namespace

void AddCompactCommand(CommandLine* line) {
  auto command = std::make_shared<CompactCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
