#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/file_stream.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "tools/command.h"
#include "wal/log.h"

namespace strata::tools {
namespace {

constexpr size_t kCopyBytes = 1 << 20;
constexpr char kGivenUp[] =
    "; the database begins a new history there when it is written to next (with takeover=1, if "
    "another writer has the namespace)";
constexpr char kMayComeBack[] =
    ": the log stays. Run this again when the store is there, or with --leave-store, which gives "
    "its history up";

// What the log says while it is recovered, on standard error.
class StderrLogger : public io::Logger {
 public:
  void Log(io::Severity, std::string_view message) override {
    std::cerr << "strata: " << message << "\n";
  }
};

class RecoverCommand : public Command {
 public:
  void AddTo(CommandLine* line, std::shared_ptr<RecoverCommand> self);
  absl::StatusOr<int> Run() override;

 private:
  absl::Status FindLog();
  absl::Status KeepCopy();
  absl::Status CopyFile(const std::string& name);
  absl::StatusOr<std::shared_ptr<wal::Log>> OpenLog(bool without_store);
  absl::Status KeepLogOrLeaveStore();
  bool LogIsThere();

  io::FileSystem& files_ = io::PosixFileSystem();
  StderrLogger logger_;
  std::string path_;
  bool accept_loss_ = false;
  bool leave_store_ = false;
  std::string database_;   // app.db
  std::string directory_;  // app.db-wal
  std::string copy_;       // where --accept-loss keeps the damaged log
  std::string lacks_;      // what the store has not got, in words
};

void RecoverCommand::AddTo(CommandLine* line, std::shared_ptr<RecoverCommand> self) {
  CLI::App* app = line->Add(
      "recover", "Puts a crashed log into its database, which is a plain SQLite file then", self);
  AddJson(app);
  app->add_option("database", path_, "The database app.db, or its log app.db-wal")->required();
  app->add_flag(
      "--accept-loss", accept_loss_,
      "A damaged log ends before the damage; the log as it was is kept beside the database");
  app->add_flag("--leave-store", leave_store_,
                "What the store has not got, and cannot be given now, never gets there: the "
                "database begins a new history in it");
}

absl::Status RecoverCommand::FindLog() {
  while (absl::EndsWith(path_, "/")) path_.pop_back();
  database_ = std::string(path_.substr(0, path_.size() - (absl::EndsWith(path_, "-wal") ? 4 : 0)));
  directory_ = absl::StrCat(database_, "-wal");
  STRATA_RETURN_IF_ERROR(files_.Stat(database_).status());
  const absl::StatusOr<io::FileInfo> log = files_.Stat(directory_);
  if (!log.ok() || log->kind != io::FileKind::kDirectory) {
    return absl::NotFoundError(
        absl::StrCat(directory_, ": no log of Strata is there; the database needs no recovery"));
  }
  return absl::OkStatus();
}

absl::Status RecoverCommand::KeepCopy() {
  int number = 1;
  absl::Status created;
  do {
    copy_ = absl::StrCat(database_, "-damaged-", number++);
    created = files_.CreateDirectory(copy_, {.mode = 0700});
  } while (absl::IsAlreadyExists(created));
  STRATA_RETURN_IF_ERROR(created);
  STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory_));
  for (const std::string& name : names) STRATA_RETURN_IF_ERROR(CopyFile(name));
  STRATA_RETURN_IF_ERROR(files_.SyncDirectory(copy_));
  return files_.SyncDirectory(io::DirectoryOf(copy_));
}

absl::Status RecoverCommand::CopyFile(const std::string& name) {
  STRATA_ASSIGN_OR_RETURN(auto from,
                          io::FileSource::Open(files_, absl::StrCat(directory_, "/", name)));
  STRATA_ASSIGN_OR_RETURN(auto file, files_.Open(absl::StrCat(copy_, "/", name),
                                                 io::OpenMode::kCreate, {.mode = 0600}));
  std::vector<uint8_t> buffer(kCopyBytes);
  for (uint64_t at = 0; at < from->size(); at += buffer.size()) {
    const auto piece =
        absl::MakeSpan(buffer).subspan(0, std::min<uint64_t>(buffer.size(), from->size() - at));
    STRATA_RETURN_IF_ERROR(from->ReadAt(at, piece));
    STRATA_RETURN_IF_ERROR(file->Write(at, piece));
  }
  return file->Sync();
}

absl::StatusOr<std::shared_ptr<wal::Log>> RecoverCommand::OpenLog(bool without_store) {
  wal::LogPlace place;
  place.directory = directory_;
  place.database = database_;
  place.alone = true;
  place.open_database = [this] { return files_.Open(database_, io::OpenMode::kReadWrite); };
  const wal::Environment environment{&files_, &io::SystemClock(), &io::SystemRandom(), &logger_};
  const wal::Options options{
      .accept_loss = accept_loss_, .without_store = without_store, .background = false};
  return wal::Log::Open(place, {}, environment, options);
}

bool RecoverCommand::LogIsThere() { return files_.Stat(directory_).ok(); }

// The log is still there because its store could not take the rest. A store that is only not there
// just now keeps its history: giving that up is for the user to say.
absl::Status RecoverCommand::KeepLogOrLeaveStore() {
  const absl::StatusOr<wal::Identity> identity =
      wal::ReadIdentity(files_, absl::StrCat(directory_, "/", wal::kIdentityName));
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<wal::Log> log, OpenLog(leave_store_));
  if (identity.ok() && !identity->store.empty()) {
    lacks_ =
        absl::StrCat("frames ", log->stored_frame().next().value(), " to ",
                     log->state().commits->appended().frame.value(), " are not known to be in ",
                     identity->store, leave_store_ ? kGivenUp : kMayComeBack);
  }
  return log->Close(leave_store_, leave_store_);
}

absl::StatusOr<int> RecoverCommand::Run() {
  STRATA_RETURN_IF_ERROR(FindLog());
  if (accept_loss_) STRATA_RETURN_IF_ERROR(KeepCopy());
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<wal::Log> log, OpenLog(false));
  const wal::CommitPoint end = log->state().commits->appended();
  const uint64_t frames = end.frame.value() - log->state().index->floor().value();
  STRATA_RETURN_IF_ERROR(log->Close(true, true));
  log.reset();
  if (LogIsThere()) STRATA_RETURN_IF_ERROR(KeepLogOrLeaveStore());
  const bool whole = !LogIsThere();
  if (json()) {
    PrintJson({{"database", database_},
               {"last_frame", end.frame.value()},
               {"frames_recovered", frames},
               {"whole", whole},
               {"not_in_store", lacks_},
               {"damaged_log", copy_}});
  } else {
    std::cout << database_ << ": " << frames << (whole ? " frames put back" : " frames in its log")
              << ", up to frame " << end.frame.value() << "\n";
    if (!lacks_.empty()) std::cout << lacks_ << "\n";
    if (!copy_.empty()) std::cout << "the log as it was: " << copy_ << "\n";
  }
  return whole ? kFine : kFoundSomethingWrong;
}

}  // namespace

void AddRecoverCommand(CommandLine* line) {
  auto command = std::make_shared<RecoverCommand>();
  command->AddTo(line, command);
}

}  // namespace strata::tools
