#include "compactor/output_file.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::compactor {
namespace {

constexpr absl::string_view kMark = ".strata-restore-";

std::string BaseOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(io::FileSystem* file_system,
                                                               io::Random* random,
                                                               const std::string& path,
                                                               bool replace) {
  std::unique_ptr<OutputFile> output(new OutputFile(file_system, path, replace));
  STRATA_RETURN_IF_ERROR(output->CheckPlace());
  STRATA_RETURN_IF_ERROR(output->RemoveAbandoned());
  STRATA_RETURN_IF_ERROR(output->CreateTemporary(random));
  return output;
}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  file_.reset();
  file_system_->Unlink(temporary_path_).IgnoreError();
}

// Looks at the names; a replaced file's mode and owner go over to the new one.
absl::Status OutputFile::CheckPlace() {
  STRATA_RETURN_IF_ERROR(CheckNothingBeside());
  absl::StatusOr<io::FileInfo> info = file_system_->Stat(path_);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(info.status());
  if (info->kind != io::FileKind::kRegular) {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is not a regular file"));
  }
  if (!replace_)
    return absl::AlreadyExistsError(
        absl::StrCat(path_, ": is there already (--force replaces it)"));
  ownership_ = {info->mode & 07777, true, info->uid, info->gid};
  return absl::OkStatus();
}

absl::Status OutputFile::CheckNothingBeside() {
  for (absl::string_view suffix : {"-wal", "-journal"}) {
    std::string beside = absl::StrCat(path_, suffix);
    absl::StatusOr<io::FileInfo> info = file_system_->Stat(beside);
    if (absl::IsNotFound(info.status())) continue;
    STRATA_RETURN_IF_ERROR(info.status());
    if (info->kind == io::FileKind::kRegular && info->size == 0) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(beside, ": the database there is in use, or was not closed (`strata recover` ",
                     "puts its log back): restore to another name, or close it first"));
  }
  return absl::OkStatus();
}

// A temporary file that nobody holds a lock on is one of a process that was killed.
absl::Status OutputFile::RemoveAbandoned() {
  std::string directory = io::DirectoryOf(path_);
  std::string prefix = absl::StrCat(BaseOf(path_), kMark);
  STRATA_ASSIGN_OR_RETURN(std::vector<std::string> names, file_system_->List(directory));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, prefix)) continue;
    std::string abandoned = absl::StrCat(directory, "/", name);
    absl::StatusOr<std::unique_ptr<io::File>> file =
        file_system_->Open(abandoned, io::OpenMode::kReadWrite);
    if (!file.ok()) continue;
    absl::StatusOr<bool> locked = (*file)->TryLock(io::LockKind::kExclusive);
    if (locked.ok() && *locked) STRATA_RETURN_IF_ERROR(file_system_->Unlink(abandoned));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::CreateTemporary(io::Random* random) {
  temporary_path_ = absl::StrCat(path_, kMark, absl::Hex(random->Next64(), absl::kZeroPad16));
  STRATA_ASSIGN_OR_RETURN(file_,
                          file_system_->Open(temporary_path_, io::OpenMode::kCreate, ownership_));
  STRATA_ASSIGN_OR_RETURN(bool locked, file_->TryLock(io::LockKind::kExclusive));
  if (locked) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(temporary_path_, ": locked by another process"));
}

absl::Status OutputFile::Publish() {
  STRATA_RETURN_IF_ERROR(file_->Sync());
  // The place is looked at again: the restore may have taken hours.
  STRATA_RETURN_IF_ERROR(CheckPlace());
  STRATA_RETURN_IF_ERROR(file_system_->Rename(temporary_path_, path_));
  file_.reset();
  return file_system_->SyncDirectory(io::DirectoryOf(path_));
}

}  // namespace strata::compactor
