#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "io/store_url.h"
#include "segment/store_layout.h"
#include "tools/application_database.h"
#include "tools/command.h"
#include "tools/format.h"
#include "wal/identity.h"

namespace strata::tools {
namespace {

constexpr int kRoundMs = 60'000;  // between looks at a store that gets nothing

// Adopts a database: its pages go to a store as the base of a history that the application then
// continues.
class ImportCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<ImportCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status Ship(ApplicationDatabase* database, int64_t* frame);

  std::string path_;
  std::string ns_;
  bool takeover_ = false;
};

void ImportCommand::AddTo(CommandLine* line, std::shared_ptr<ImportCommand> self) {
  CLI::App* app = line->Add(
      "import", "Bring an existing database into a store, where its application goes on", self);
  AddStore(app);
  AddJson(app);
  app->add_option("database", path_, "The SQLite file")->required();
  app->add_option("namespace", ns_, "Its name in the store")->required();
  app->add_flag("--takeover", takeover_,
                "Also when the namespace has another database, whose writer ships no more then: to "
                "go on with a restored copy");
}

// A log begins with its first commit, so there is one, which changes nothing.
absl::Status ImportCommand::Ship(ApplicationDatabase* database, int64_t* frame) {
  STRATA_ASSIGN_OR_RETURN(const int64_t version, database->Integer("PRAGMA user_version"));
  STRATA_RETURN_IF_ERROR(database->Execute(absl::StrCat("PRAGMA user_version=", version)));
  STRATA_ASSIGN_OR_RETURN(*frame, database->Integer("SELECT strata_seal()"));
  const std::string wait = absl::StrCat("SELECT strata_wait_durable(", *frame, ",", kRoundMs, ")");
  while (true) {
    STRATA_ASSIGN_OR_RETURN(const int64_t arrived, database->Integer(wait));
    if (arrived != 0) return absl::OkStatus();
    STRATA_ASSIGN_OR_RETURN(const int64_t stored,
                            database->Integer("SELECT strata_durable_frame()"));
    std::cerr << "strata: the store has " << stored << " of " << *frame << " frames\n";
  }
}

absl::StatusOr<int> ImportCommand::Run() {
  STRATA_RETURN_IF_ERROR(segment::CheckNamespaceName(ns_));
  STRATA_RETURN_IF_ERROR(OpenStore().status());  // before anything is changed
  const int64_t begin_us = io::SystemClock().MonotonicMicros();
  STRATA_ASSIGN_OR_RETURN(auto database,
                          ApplicationDatabase::Open(path_, {{"wal", "strata"},
                                                            {"store", store_url()},
                                                            {"namespace", ns_},
                                                            {"takeover", takeover_ ? "1" : "0"}}));
  int64_t frame = 0;
  STRATA_RETURN_IF_ERROR(Ship(database.get(), &frame));
  STRATA_RETURN_IF_ERROR(database->Close());
  const double seconds = static_cast<double>(io::SystemClock().MonotonicMicros() - begin_us) / 1e6;
  STRATA_ASSIGN_OR_RETURN(const io::FileInfo info, io::PosixFileSystem().Stat(path_));
  PrintJson({{"database", path_},
             {"namespace", ns_},
             {"bytes", info.size},
             {"last_frame", frame},
             {"seconds", seconds}});
  if (json()) return kFine;
  std::cout << path_ << ": " << FormatBytes(info.size) << " are in the store as " << ns_
            << ", up to frame " << frame << ", after " << seconds << " s; " << path_
            << wal::kCleanIdentitySuffix << " says where it goes on\n";
  return kFine;
}

}  // namespace

void AddImportCommand(CommandLine* line) {
  auto command = std::make_shared<ImportCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
