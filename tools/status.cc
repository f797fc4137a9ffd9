#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/posix_file_system.h"
#include "io/replace_file.h"
#include "io/status_macros.h"
#include "segment/store_listing.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/metrics.h"
#include "tools/namespace_status.h"

namespace strata::tools {
namespace {

class StatusCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<StatusCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<std::vector<NamespaceStatus>> ReadAll();
  absl::Status WriteMetrics(const std::vector<NamespaceStatus>& all) const;

  std::string ns_;
  std::string database_;
  std::string output_;
  bool prometheus_ = false;
};

void StatusCommand::AddTo(CommandLine* line, std::shared_ptr<StatusCommand> self) {
  CLI::App* app =
      line->Add("status", "What can be restored, and how far the store is behind", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  CLI::Option* ns =
      app->add_option("namespace", ns_, "Name of the database in the store (default: all)");
  app->add_option("--database", database_,
                  "The database on this machine: also says what the store does not have yet")
      ->needs(ns);
  app->add_flag("--prometheus", prometheus_, "Answer in Prometheus' text format");
  app->add_option("-o,--output", output_,
                  "Write that to a file, which is replaced as a whole (for a textfile collector)");
}

absl::StatusOr<std::vector<NamespaceStatus>> StatusCommand::ReadAll() {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store, OpenExistingStore());
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<meta::MetaDb> meta_db, OpenMetaIfThere());
  std::vector<std::string> names = {ns_};
  if (ns_.empty()) {
    STRATA_ASSIGN_OR_RETURN(names, ListAllNamespaces(store.get()));
  }
  std::vector<NamespaceStatus> all;
  for (const std::string& name : names) {
    STRATA_ASSIGN_OR_RETURN(NamespaceStatus status, ReadStatus(store.get(), meta_db.get(), name));
    if (!database_.empty()) {
      STRATA_ASSIGN_OR_RETURN(status.local, ReadLocalLog(io::PosixFileSystem(), database_, status));
    }
    all.push_back(std::move(status));
  }
  return all;
}

Json JobsJson(const JobSummary& jobs) {
  Json document = {{"done", jobs.done}, {"failed", jobs.failed}, {"last", nullptr}};
  if (jobs.last) {
    document["last"] = {{"time", FormatTime(jobs.last->ended_us)},
                        {"state", jobs.last->state},
                        {"message", jobs.last->message}};
  }
  return document;
}

Json StatusJson(const NamespaceStatus& status) {
  Json document = {{"namespace", status.ns},
                   {"log_id", segment::ToString(status.log_id)},
                   {"epoch", status.epoch.value()},
                   {"segments", status.segments},
                   {"bytes", status.bytes},
                   {"complete", status.complete},
                   {"first", CommitJson(status.first)},
                   {"last", CommitJson(status.last)},
                   {"verifications", JobsJson(status.verifications)},
                   {"compactions", JobsJson(status.compactions)},
                   {"local", nullptr}};
  if (!status.local) return document;
  const LocalLog& local = *status.local;
  document["local"] = {{"last_frame", local.end.frame.value()},
                       {"last_time", FormatTime(local.end.time_us)},
                       {"log_bytes", local.log_bytes},
                       {"unshipped_frames", local.unshipped_frames},
                       {"unshipped_bytes", local.unshipped_bytes},
                       {"behind_seconds", static_cast<double>(local.behind_us) / 1e6}};
  return document;
}

void PrintJobs(const char* what, const JobSummary& jobs) {
  if (!jobs.last) return;
  std::cout << "  last " << what << ": " << FormatTime(jobs.last->ended_us) << ", "
            << jobs.last->state
            << (jobs.last->message.empty() ? "" : absl::StrCat(": ", jobs.last->message)) << "\n";
}

void Print(const NamespaceStatus& status) {
  std::cout << status.ns << ": " << status.segments << " segments, " << FormatBytes(status.bytes)
            << ", epoch " << status.epoch.value()
            << (status.complete ? "" : ", WRONG: frames are missing") << "\n  restorable from "
            << DescribeCommit(status.first) << "\n  to " << DescribeCommit(status.last) << "\n";
  PrintJobs("verification", status.verifications);
  PrintJobs("compaction", status.compactions);
  if (!status.local) return;
  const LocalLog& local = *status.local;
  std::cout << "  here: frame " << local.end.frame.value() << " of "
            << FormatTime(local.end.time_us) << ", log of " << FormatBytes(local.log_bytes) << "; "
            << local.unshipped_frames << " frames (" << FormatBytes(local.unshipped_bytes)
            << ") are not in the store\n";
}

absl::Status StatusCommand::WriteMetrics(const std::vector<NamespaceStatus>& all) const {
  MetricsText metrics;
  for (const NamespaceStatus& status : all) AddMetrics(status, &metrics);
  const std::string text = metrics.Text();
  if (output_.empty()) {
    std::cout << text;
    return absl::OkStatus();
  }
  return io::ReplaceFile(io::PosixFileSystem(), output_,
                         {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, {});
}

absl::StatusOr<int> StatusCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(const std::vector<NamespaceStatus> all, ReadAll());
  bool complete = true;
  Json list = Json::array();
  for (const NamespaceStatus& status : all) {
    complete = complete && status.complete;
    list.push_back(StatusJson(status));
    if (!json() && !prometheus_) Print(status);
  }
  if (prometheus_) {
    STRATA_RETURN_IF_ERROR(WriteMetrics(all));
  } else {
    PrintJson({{"namespaces", list}});
  }
  return complete ? kFine : kFoundSomethingWrong;
}

}  // namespace

void AddStatusCommand(CommandLine* line) {
  auto command = std::make_shared<StatusCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
