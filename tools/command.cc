#include "tools/command.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "io/file.h"
#include "io/posix_file_system.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "io/store_url.h"
#include "segment/store_listing.h"

namespace strata::tools {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// $XDG_STATE_HOME, or ~/.local/state, per the XDG base directory specification.
std::string StateDirectory() {
  std::string state = Environment("XDG_STATE_HOME");
  if (!state.empty()) return state;
  return absl::StrCat(Environment("HOME"), "/.local/state");
}

absl::Status MakeDirectories(const std::string& path) {
  if (path.empty() || path == "/" || path == ".") return absl::OkStatus();
  if (io::PosixFileSystem().Stat(path).ok()) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(MakeDirectories(io::DirectoryOf(path)));
  absl::Status made = io::PosixFileSystem().CreateDirectory(path, io::Ownership{0700});
  return absl::IsAlreadyExists(made) ? absl::OkStatus() : made;
}

void PrintError(const absl::Status& status, bool as_json) {
  if (as_json) {
    Json document = {{"error",
                      {{"code", absl::StatusCodeToString(status.code())},
                       {"message", std::string(status.message())}}}};
    std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  }
  std::cerr << "strata: " << status.message() << "\n";
}

}  // namespace

Json RequestsJson(const io::RequestCounts& counts) {
  Json document;
  for (size_t i = 0; i < io::kRequestKinds; ++i) document[io::kRequestKindNames[i]] = counts.of[i];
  document.update(Json{{"retries", counts.retries},
                       {"bytes_received", counts.bytes_received},
                       {"bytes_sent", counts.bytes_sent}});
  return document;
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kFine;
  return absl::IsDataLoss(status) ? kFoundSomethingWrong : kCouldNotRun;
}

void Command::AddStore(CLI::App* app) {
  app->add_option("--store", common_.store_url,
                  "URL of the store: file:///directory or s3://bucket/prefix")
      ->required()
      ->envname("STRATA_STORE");
}

void Command::AddMeta(CLI::App* app) {
  app->add_option("--meta", common_.meta_path,
                  "The meta-db (default: $XDG_STATE_HOME/strata/meta.db)");
}

void Command::AddJson(CLI::App* app) { app->add_flag("--json", common_.json, "Answer in JSON"); }

absl::StatusOr<std::unique_ptr<io::ObjectStore>> Command::OpenStore() const {
  return io::OpenStore(&io::PosixFileSystem(), &io::SystemRandom(), common_.store_url);
}

absl::StatusOr<std::unique_ptr<io::ObjectStore>> Command::OpenExistingStore() const {
  STRATA_ASSIGN_OR_RETURN(auto store, OpenStore());
  STRATA_RETURN_IF_ERROR(store->CheckPlace(false));
  return store;
}

absl::StatusOr<std::vector<std::string>> Command::ListAllNamespaces(io::ObjectStore* store) const {
  STRATA_ASSIGN_OR_RETURN(std::vector<std::string> names, segment::ListNamespaces(*store));
  if (!names.empty()) return names;
  return absl::NotFoundError(absl::StrCat("store ", store->url(), ": no namespace is in it"));
}

std::string Command::MetaPath() const {
  if (!common_.meta_path.empty()) return common_.meta_path;
  return absl::StrCat(StateDirectory(), "/strata/meta.db");
}

absl::StatusOr<std::unique_ptr<meta::MetaDb>> Command::OpenMeta() const {
  if (common_.meta_path.empty())
    STRATA_RETURN_IF_ERROR(MakeDirectories(io::DirectoryOf(MetaPath())));
  return meta::MetaDb::Open(MetaPath());
}

absl::StatusOr<std::unique_ptr<meta::MetaDb>> Command::OpenMetaIfThere() const {
  if (!io::PosixFileSystem().Stat(MetaPath()).ok()) return std::unique_ptr<meta::MetaDb>();
  return meta::MetaDb::Open(MetaPath());
}

void Command::PrintJson(const Json& document) const {
  if (json()) std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

CLI::App* CommandLine::Add(const std::string& name, const std::string& description,
                           std::shared_ptr<Command> command) {
  CLI::App* app = app_->add_subcommand(name, description);
  app->callback([this, command] {
    absl::StatusOr<int> answer = command->Run();
    exit_code_ = answer.ok() ? *answer : ExitCodeOf(answer.status());
    if (!answer.ok()) PrintError(answer.status(), command->json());
  });
  return app;
}

}  // namespace strata::tools
