#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/object_store.h"
#include "meta/meta_db.h"

// What the subcommands of `strata` have in common. Each of them is one file that offers a function
// Add…Command; docs/cli.md describes them.
namespace strata::tools {

using Json = nlohmann::ordered_json;

// Exit codes.
constexpr int kFine = 0;
constexpr int kFoundSomethingWrong = 1;
constexpr int kCouldNotRun = 2;

struct CommonOptions {
  std::string store_url;
  std::string meta_path;  // empty: the default
  bool json = false;
};

// A subcommand: its options, and what it answers to the shell.
class Command {
 public:
  virtual ~Command() = default;

  // kFine or kFoundSomethingWrong; an error is printed and mapped by the caller.
  virtual absl::StatusOr<int> Run() = 0;

 protected:
  void AddStore(CLI::App* app);
  void AddMeta(CLI::App* app);
  void AddJson(CLI::App* app);

  absl::StatusOr<std::unique_ptr<io::ObjectStore>> OpenStore() const;
  // NotFound: a directory that is not there: a disk that is not mounted holds nothing to read.
  absl::StatusOr<std::unique_ptr<io::ObjectStore>> OpenExistingStore() const;
  // NotFound: there is none, so that nothing was looked at.
  absl::StatusOr<std::vector<std::string>> ListAllNamespaces(io::ObjectStore* store) const;
  absl::StatusOr<std::unique_ptr<meta::MetaDb>> OpenMeta() const;
  absl::StatusOr<std::unique_ptr<meta::MetaDb>> OpenMetaIfThere() const;  // null when it is not
  std::string MetaPath() const;

  // One JSON document, or nothing without --json.
  void PrintJson(const Json& document) const;
  bool json() const { return common_.json; }
  const std::string& store_url() const { return common_.store_url; }

 private:
  friend class CommandLine;
  CommonOptions common_;
};

// Collects subcommands and runs the chosen one.
class CommandLine {
 public:
  explicit CommandLine(CLI::App* app) : app_(app) {}

  // The app of a new subcommand that runs `command`.
  CLI::App* Add(const std::string& name, const std::string& description,
                std::shared_ptr<Command> command);
  int exit_code() const { return exit_code_; }

 private:
  CLI::App* const app_;
  int exit_code_ = kFine;
};

// How often the store was asked for what, and the bytes that came and went.
Json RequestsJson(const io::RequestCounts& counts);

// DataLoss says that something was found; all other errors, that the command could not run.
int ExitCodeOf(const absl::Status& status);

void AddAnalyzeCommand(CommandLine* line);
void AddCompactCommand(CommandLine* line);
void AddExportCommand(CommandLine* line);
void AddImportCommand(CommandLine* line);
void AddInspectCommand(CommandLine* line);
void AddNamespacesCommand(CommandLine* line);
void AddMonitorCommands(CommandLine* line);  // monitor, unmonitor, sync
void AddPointsCommand(CommandLine* line);
void AddRecoverCommand(CommandLine* line);
void AddRestoreCommand(CommandLine* line);
void AddRetentionCommands(CommandLine* line);  // retention, pin, unpin
void AddSegmentsCommand(CommandLine* line);
void AddStatusCommand(CommandLine* line);
void AddVerifyCommand(CommandLine* line);

}  // namespace strata::tools
