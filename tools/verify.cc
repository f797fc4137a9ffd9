#include "compactor/verify.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "io/clock.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "segment/store_listing.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/progress.h"

namespace strata::tools {
namespace {

class VerifyCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<VerifyCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::StatusOr<compactor::VerifyReport> VerifyOne(io::ObjectStore* store,
                                                    const std::string& ns) const;
  absl::StatusOr<compactor::VerifyReport> VerifyAndNote(io::ObjectStore* store,
                                                        meta::MetaDb* meta_db,
                                                        const std::string& ns) const;
  void Print(const std::string& ns, const compactor::VerifyReport& report) const;

  std::string ns_;
  std::string scratch_;
  bool quick_ = false;
  bool restore_test_ = false;
  bool full_ = false;
};

void VerifyCommand::AddTo(CommandLine* line, std::shared_ptr<VerifyCommand> self) {
  CLI::App* app = line->Add("verify", "Prove that what a store holds is whole", self);
  AddStore(app);
  AddMeta(app);
  AddJson(app);
  app->add_option("namespace", ns_, "Name of the database in the store (default: all of them)");
  CLI::Option* quick = app->add_flag(
      "--quick", quick_, "Names, headers, footers, commit tables and gaps (the default)");
  CLI::Option* restore_test =
      app->add_flag("--restore-test", restore_test_,
                    "Also restore the latest state, and check its digest and SQLite's "
                    "integrity_check: the drill for a timer")
          ->excludes(quick);
  app->add_flag("--full", full_, "Also every byte, and the digest after every commit")
      ->excludes(quick)
      ->excludes(restore_test);
  app->add_option("--scratch", scratch_,
                  "Where the database is restored for a moment (default: $TMPDIR)");
}

Json FindingsJson(const std::vector<compactor::VerifyFinding>& findings) {
  Json list = Json::array();
  for (const compactor::VerifyFinding& finding : findings) {
    list.push_back({{"object", finding.object}, {"message", finding.message}});
  }
  return list;
}

Json ReportJson(const std::string& ns, const compactor::VerifyReport& report) {
  return {{"namespace", ns},
          {"ok", report.findings.empty()},
          {"objects", report.objects},
          {"bytes", report.bytes},
          {"segments", report.segments},
          {"commits", report.commits},
          {"digests_checked", report.digests_checked},
          {"integrity_checked", report.integrity_checked},
          {"findings", FindingsJson(report.findings)},
          {"notes", FindingsJson(report.notes)}};
}

void VerifyCommand::Print(const std::string& ns, const compactor::VerifyReport& report) const {
  for (const compactor::VerifyFinding& finding : report.findings) {
    std::cout << "WRONG " << finding.object << ": " << finding.message << "\n";
  }
  for (const compactor::VerifyFinding& note : report.notes) {
    std::cout << "note  " << note.object << ": " << note.message << "\n";
  }
  std::cout << ns << ": " << (report.findings.empty() ? "ok" : "damaged") << ", " << report.segments
            << " segments, " << report.commits << " commits, " << FormatBytes(report.bytes);
  if (full_) std::cout << ", " << report.digests_checked << " digests recomputed";
  if (full_ || restore_test_) {
    std::cout << ", latest state " << (report.integrity_checked ? "" : "not ")
              << "restored and checked";
  }
  std::cout << "\n";
}

absl::StatusOr<compactor::VerifyReport> VerifyCommand::VerifyOne(io::ObjectStore* store,
                                                                 const std::string& ns) const {
  ProgressLine progress(absl::StrCat("verifying ", ns), "bytes", !json());
  compactor::VerifyOptions options;
  options.depth = full_           ? compactor::VerifyDepth::kFull
                  : restore_test_ ? compactor::VerifyDepth::kRestoreTest
                                  : compactor::VerifyDepth::kQuick;
  const char* temporary = std::getenv("TMPDIR");
  options.scratch_directory = !scratch_.empty()      ? scratch_
                              : temporary != nullptr ? temporary
                                                     : "/tmp";
  options.progress = progress.Callback();
  return compactor::Verify(store, &io::PosixFileSystem(), &io::SystemRandom(), ns, options);
}

absl::Status OutcomeOf(const absl::StatusOr<compactor::VerifyReport>& report) {
  if (!report.ok() || report->findings.empty()) return report.status();
  return absl::DataLossError(absl::StrCat(report->findings.size(),
                                          " findings, the first: ", report->findings.front().object,
                                          ": ", report->findings.front().message));
}

// The meta-db remembers how it ended, when the namespace is monitored, for `strata status`.
absl::StatusOr<compactor::VerifyReport> VerifyCommand::VerifyAndNote(io::ObjectStore* store,
                                                                     meta::MetaDb* meta_db,
                                                                     const std::string& ns) const {
  if (meta_db == nullptr) return VerifyOne(store, ns);
  const auto monitored = meta_db->Find(store->url(), ns);
  if (absl::IsNotFound(monitored.status())) return VerifyOne(store, ns);
  STRATA_RETURN_IF_ERROR(monitored.status());
  const char* depth = full_ ? "full" : restore_test_ ? "restore-test" : "quick";
  STRATA_ASSIGN_OR_RETURN(const int64_t job, meta_db->StartJob(monitored->id, "verify", depth,
                                                               io::SystemClock().NowMicros()));
  absl::StatusOr<compactor::VerifyReport> report = VerifyOne(store, ns);
  STRATA_RETURN_IF_ERROR(meta_db->EndJob(job, OutcomeOf(report), io::SystemClock().NowMicros()));
  return report;
}

absl::StatusOr<int> VerifyCommand::Run() {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectStore> store, OpenExistingStore());
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<meta::MetaDb> meta_db, OpenMetaIfThere());
  std::vector<std::string> names = {ns_};
  if (ns_.empty()) {
    STRATA_ASSIGN_OR_RETURN(names, ListAllNamespaces(store.get()));
  }
  bool all_ok = true;
  Json reports = Json::array();
  for (const std::string& ns : names) {
    STRATA_ASSIGN_OR_RETURN(compactor::VerifyReport report,
                            VerifyAndNote(store.get(), meta_db.get(), ns));
    all_ok = all_ok && report.findings.empty();
    reports.push_back(ReportJson(ns, report));
    if (!json()) Print(ns, report);
  }
  PrintJson({{"ok", all_ok}, {"namespaces", reports}});
  return all_ok ? kFine : kFoundSomethingWrong;
}

}  // namespace

void AddVerifyCommand(CommandLine* line) {
  auto command = std::make_shared<VerifyCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
