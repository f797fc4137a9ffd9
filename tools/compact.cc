#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compactor/recompression.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "tools/compact_watch.h"
#include "tools/format.h"
#include "tools/namespace_compactor.h"
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
  void AddWatchTo(CLI::App* app);
  absl::Status Prepare();
  absl::StatusOr<int> RunOnce();
  absl::StatusOr<int> RunRecompression();
  void ReportRecompressed(const std::vector<compactor::RecompressedSegment>& segments);
  void Report(const PlannedCompaction& plan, const std::optional<CompactionResult>& result);

  std::vector<std::string> names_;
  std::string strategy_name_ = "log";
  std::string codec_name_ = "dictionary";
  bool recompress_ = false;
  bool watch_ = false;
  CompactSettings settings_;
  WatchSettings watch_settings_;

  std::unique_ptr<io::ObjectStore> store_;
  std::unique_ptr<meta::MetaDb> meta_db_;  // null: there is none
  Json merges_ = Json::array();
};

void CompactCommand::AddTo(CommandLine* line, std::shared_ptr<CompactCommand> self) {
  CLI::App* app = line->Add("compact", "Merge segments, so that a restore fetches less", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  app->add_option("namespace", names_,
                  "Name of the database in the store (with --watch any number; default: those that "
                  "are monitored)");
  app->add_option("--strategy", strategy_name_, "Which segments to merge")
      ->check(CLI::IsMember({"all", "log", "tiered"}))
      ->capture_default_str();
  app->add_option("--codec", codec_name_, "How pages are stored")
      ->check(CLI::IsMember({"raw", "zstd", "dictionary"}))
      ->capture_default_str();
  app->add_option("--level", settings_.zstd_level, "Effort of zstd")
      ->check(CLI::Range(1, 19))
      ->capture_default_str();
  app->add_option("--dictionary-pages", settings_.dictionary_pages,
                  "Pages from which on a first dictionary is trained (0: never)")
      ->capture_default_str();
  app->add_option("--parallelism", settings_.threads, "Threads (default: one a core)")
      ->check(CLI::Range(1, 256));
  app->add_flag("--train", settings_.train, "Train a new dictionary, whatever there is");
  CLI::Option* recompress =
      app->add_flag("--recompress", recompress_, "Merge nothing: encode anew what is stored");
  app->add_flag("--dry-run", settings_.dry_run, "Say what would be merged, and stop");
  AddWatchTo(app);
  app->get_option("--watch")->excludes(recompress);
}

void CompactCommand::AddWatchTo(CLI::App* app) {
  CLI::Option* watch = app->add_flag("--watch", watch_,
                                     "Go on for ever: merge what changes, until a signal ends it");
  app->add_option("--poll", watch_settings_.poll_seconds, "Seconds between looks at the store")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str()
      ->needs(watch);
  app->add_option("--max-requests", watch_settings_.limits.requests_per_second,
                  "Requests a second, at most (0: no limit)")
      ->needs(watch);
  app->add_option("--max-bandwidth", watch_settings_.limits.bytes_per_second,
                  "Bytes a second, both ways together, at most (0: no limit)")
      ->needs(watch);
  app->add_option("--metrics-file", watch_settings_.metrics_file,
                  "Write metrics for Prometheus to a file, which is replaced as a whole")
      ->needs(watch);
  app->add_option("--metrics-port", watch_settings_.metrics_port,
                  "Answer metrics over HTTP at 127.0.0.1 and this port (0: any; it is printed)")
      ->check(CLI::Range(0, 65535))
      ->needs(watch);
}

absl::Status CompactCommand::Prepare() {
  if (!watch_ && names_.size() != 1)
    return absl::InvalidArgumentError("expected one namespace, or --watch");
  if (codec_name_ == "raw") settings_.codec = segment::Codec::kRaw;
  if (codec_name_ == "zstd") settings_.codec = segment::Codec::kZstd;
  settings_.show_progress = !json() && !watch_;
  STRATA_ASSIGN_OR_RETURN(settings_.strategy, compactor::ParseStrategy(strategy_name_));
  if (watch_) HoldEndSignals();
  STRATA_ASSIGN_OR_RETURN(store_, watch_ ? OpenStore() : OpenExistingStore());
  STRATA_ASSIGN_OR_RETURN(meta_db_, OpenMetaIfThere());
  return absl::OkStatus();
}

void CompactCommand::Report(const PlannedCompaction& plan,
                            const std::optional<CompactionResult>& result) {
  const std::string object = segment::BuildSegmentKey(names_[0], plan.output);
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

void CompactCommand::ReportRecompressed(
    const std::vector<compactor::RecompressedSegment>& segments) {
  Json list = Json::array();
  uint64_t before = 0;
  uint64_t after = 0;
  for (const compactor::RecompressedSegment& segment : segments) {
    before += segment.before.size;
    after += segment.after.size;
    list.push_back({{"object", segment::BuildSegmentKey(names_[0], segment.after.key)},
                    {"bytes_before", segment.before.size},
                    {"bytes", segment.after.size}});
  }
  PrintJson(
      {{"namespace", names_[0]}, {"segments", list}, {"bytes_before", before}, {"bytes", after}});
  if (json()) return;
  std::cout << names_[0] << ": " << segments.size() << " segments, " << FormatBytes(before)
            << " -> " << FormatBytes(after) << "\n";
}

absl::StatusOr<int> CompactCommand::RunRecompression() {
  STRATA_RETURN_IF_ERROR(store_->RemoveLeftovers(names_[0] + "/").status());
  STRATA_ASSIGN_OR_RETURN(NamespaceHistory history, compactor::LoadHistory(*store_, names_[0]));
  const LogHistory* log = history.live();
  if (log == nullptr)
    return absl::NotFoundError(absl::StrCat("namespace ", names_[0], ": nothing to recompress"));
  compactor::RecompressionOptions options;
  options.zstd_level = settings_.zstd_level;
  options.dictionary.train = settings_.train;
  options.dictionary.fewest_pages = settings_.dictionary_pages;
  options.threads = settings_.threads;
  ProgressLine progress(absl::StrCat("recompressing ", names_[0]), "segments", !json());
  compactor::BlockCache cache;
  STRATA_ASSIGN_OR_RETURN(
      const std::vector<compactor::RecompressedSegment> segments,
      compactor::Recompress(store_.get(), &cache, &io::SystemClock(), &io::SystemRandom(), history,
                            *log, options, progress.Callback()));
  ReportRecompressed(segments);
  return kFine;
}

absl::StatusOr<int> CompactCommand::RunOnce() {
  NamespaceCompactor compactor(store_.get(), meta_db_.get(), settings_);
  STRATA_RETURN_IF_ERROR(compactor.Run(
      names_[0], [this](const auto& plan, const auto& result) { Report(plan, result); }));
  PrintJson({{"namespace", names_[0]},
             {"strategy", strategy_name_},
             {"dry_run", settings_.dry_run},
             {"merges", merges_}});
  if (!json() && merges_.empty()) std::cout << names_[0] << ": nothing to merge\n";
  return kFine;
}

absl::StatusOr<int> CompactCommand::Run() {
  STRATA_RETURN_IF_ERROR(Prepare());
  if (recompress_) return RunRecompression();
  if (!watch_) return RunOnce();
  watch_settings_.names = names_;
  STRATA_RETURN_IF_ERROR(
      WatchAndCompact(std::move(store_), meta_db_.get(), settings_, watch_settings_));
  return kFine;
}

}  // namespace

void AddCompactCommand(CommandLine* line) {
  auto command = std::make_shared<CompactCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
