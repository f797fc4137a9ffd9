#include <sqlite3.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "compactor/output_file.h"
#include "io/file.h"
#include "io/posix_file_system.h"
#include "io/random.h"
#include "io/status_macros.h"
#include "tools/application_database.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/progress.h"
#include "wal/identity.h"

namespace strata::tools {
namespace {

constexpr int kPagesAtOnce = 1024;

// https://www.sqlite.org/fileformat.html#file_format_version_numbers
constexpr uint64_t kVersionsAt = 18;
constexpr uint8_t kRollbackMode[] = {1, 1};

// Leaves Strata: the database as a plain SQLite file in rollback mode, in its place or elsewhere.
class ExportCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<ExportCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status CheckIsOnStrata() const;
  absl::Status ExportInPlace();
  absl::Status ExportCopy();
  absl::Status CopyInto(ApplicationDatabase* from, const std::string& to);

  std::string path_;
  std::string output_;
  bool force_ = false;
};

void ExportCommand::AddTo(CommandLine* line, std::shared_ptr<ExportCommand> self) {
  CLI::App* app = line->Add("export", "Make a plain SQLite file of a database on Strata", self);
  AddJson(app);
  app->add_option("database", path_, "The database, which has a log app.db-wal/ or app.db-strata")
      ->required();
  CLI::Option* output = app->add_option(
      "-o,--output", output_,
      "Write a copy there, of the last commit, while the database stays on Strata (default: the "
      "database itself leaves it)");
  app->add_flag("--force", force_, "Replace the output file")->needs(output);
}

// What the store has is left to it; the file has all of it, and no history follows.
absl::Status ExportCommand::ExportInPlace() {
  STRATA_ASSIGN_OR_RETURN(auto database, ApplicationDatabase::Open(path_, {{"wal", "strata"}}));
  STRATA_ASSIGN_OR_RETURN(const std::string mode, database->Text("PRAGMA journal_mode=delete"));
  if (mode != "delete") {
    return absl::UnavailableError(absl::StrCat(path_, ": stays in journal mode ", mode,
                                               ": somebody has it open, or the store "
                                               "does not have everything yet"));
  }
  STRATA_RETURN_IF_ERROR(database->Close());
  const absl::Status gone =
      io::PosixFileSystem().Unlink(absl::StrCat(path_, wal::kCleanIdentitySuffix));
  if (!gone.ok() && !absl::IsNotFound(gone)) return gone;
  return io::PosixFileSystem().SyncDirectory(io::DirectoryOf(path_));
}

absl::Status ExportCommand::CopyInto(ApplicationDatabase* from, const std::string& to) {
  STRATA_ASSIGN_OR_RETURN(auto target,
                          ApplicationDatabase::Open(to, {{"wal", "builtin"}, {"nolock", "1"}}));
  STRATA_RETURN_IF_ERROR(target->Execute("PRAGMA journal_mode=off; PRAGMA synchronous=off"));
  sqlite3_backup* backup = sqlite3_backup_init(target->handle(), "main", from->handle(), "main");
  if (backup == nullptr) return absl::FailedPreconditionError(sqlite3_errmsg(target->handle()));
  ProgressLine progress(absl::StrCat("exporting ", path_), "pages", !json());
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK) {
    rc = sqlite3_backup_step(backup, kPagesAtOnce);
    const auto total = static_cast<uint64_t>(sqlite3_backup_pagecount(backup));
    progress.Update(total - static_cast<uint64_t>(sqlite3_backup_remaining(backup)), total);
  }
  sqlite3_backup_finish(backup);
  if (rc != SQLITE_DONE)
    return absl::InternalError(absl::StrCat(to, ": ", sqlite3_errmsg(target->handle())));
  return target->Close();
}

// One snapshot, also when the application goes on writing.
absl::Status ExportCommand::ExportCopy() {
  STRATA_ASSIGN_OR_RETURN(auto from, ApplicationDatabase::Open(path_, {{"wal", "strata"}}));
  STRATA_ASSIGN_OR_RETURN(
      auto file,
      compactor::OutputFile::Create(&io::PosixFileSystem(), &io::SystemRandom(), output_, force_));
  STRATA_RETURN_IF_ERROR(from->Execute("BEGIN"));
  STRATA_RETURN_IF_ERROR(from->Integer("SELECT count(*) FROM sqlite_schema").status());
  STRATA_RETURN_IF_ERROR(CopyInto(from.get(), file->file().path()));
  STRATA_RETURN_IF_ERROR(from->Execute("COMMIT"));
  // The copied header says WAL mode, as its original does.
  STRATA_RETURN_IF_ERROR(file->file().Write(kVersionsAt, kRollbackMode));
  return file->Publish();
}

// Opening any other database would bring it to Strata first.
absl::Status ExportCommand::CheckIsOnStrata() const {
  io::FileSystem& files = io::PosixFileSystem();
  STRATA_RETURN_IF_ERROR(files.Stat(path_).status());
  const auto log = files.Stat(absl::StrCat(path_, "-wal"));
  if (log.ok() && log->kind == io::FileKind::kDirectory) return absl::OkStatus();
  if (files.Stat(absl::StrCat(path_, wal::kCleanIdentitySuffix)).ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(path_, ": is not on Strata (no log, and no ",
                                                    wal::kCleanIdentitySuffix,
                                                    " file): it is a plain SQLite file already"));
}

absl::StatusOr<int> ExportCommand::Run() {
  STRATA_RETURN_IF_ERROR(CheckIsOnStrata());
  STRATA_RETURN_IF_ERROR(output_.empty() ? ExportInPlace() : ExportCopy());
  const std::string& result = output_.empty() ? path_ : output_;
  STRATA_ASSIGN_OR_RETURN(const io::FileInfo info, io::PosixFileSystem().Stat(result));
  PrintJson({{"database", path_}, {"output", result}, {"bytes", info.size}});
  if (!json()) std::cout << result << ": " << FormatBytes(info.size) << ", a plain SQLite file\n";
  return kFine;
}

}  // namespace

void AddExportCommand(CommandLine* line) {
  auto command = std::make_shared<ExportCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
