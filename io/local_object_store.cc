#include "io/local_object_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/key_listing.h"
#include "io/local_object_writer.h"
#include "io/object_key.h"
#include "io/status_macros.h"
#include "io/store_url.h"

namespace strata::io {
namespace {

constexpr char kTemporaryMark = '~';  // in no key

absl::StatusOr<std::vector<uint8_t>> ReadRange(File& file, uint64_t offset, uint64_t length) {
  std::vector<uint8_t> bytes(length);
  STRATA_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(offset, absl::MakeSpan(bytes)));
  bytes.resize(got);
  return bytes;
}

}  // namespace

LocalObjectStore::LocalObjectStore(FileSystem* file_system, Random* random, std::string root,
                                   const Ownership& ownership)
    : file_system_(file_system),
      random_(random),
      root_(std::move(root)),
      url_(LocalStoreUrl(root_)),
      ownership_(ownership) {}

absl::Status LocalObjectStore::CheckPlace(bool may_be_made) {
  const absl::StatusOr<FileInfo> root = file_system_->Stat(root_);
  if (absl::IsNotFound(root.status()) && may_be_made) {
    const absl::StatusOr<FileInfo> parent = file_system_->Stat(DirectoryOf(root_));
    if (!absl::IsNotFound(parent.status())) return parent.status();
  }
  if (absl::IsNotFound(root.status())) {
    return absl::NotFoundError(
        absl::StrCat("store ", url_, ": no such directory (is the disk mounted?)"));
  }
  STRATA_RETURN_IF_ERROR(root.status());
  if (root->kind == FileKind::kDirectory) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("store ", url_, ": is not a directory"));
}

absl::StatusOr<std::unique_ptr<ObjectWriter>> LocalObjectStore::Put(const std::string& key,
                                                                    IfPresent if_present) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  counters_.Count(RequestKind::kPut);
  STRATA_RETURN_IF_ERROR(EnsureDirectories(key));
  const std::string path = absl::StrCat(root_, "/", key);
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<File> temporary, CreateTemporary(DirectoryOf(path)));
  return std::make_unique<LocalObjectWriter>(file_system_, std::move(temporary), path, if_present,
                                             &counters_);
}

absl::StatusOr<std::vector<uint8_t>> LocalObjectStore::GetRange(const std::string& key,
                                                                uint64_t offset, uint64_t length) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, OpenObject(key));
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (offset >= size) return std::vector<uint8_t>();
  const uint64_t wanted = std::min(length, size - offset);
  counters_.CountReceived(wanted);
  return ReadRange(*file, offset, wanted);
}

absl::StatusOr<size_t> LocalObjectStore::GetInto(const std::string& key, uint64_t offset,
                                                 MutableBytes out) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, OpenObject(key));
  STRATA_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(offset, out));
  counters_.CountReceived(got);
  return got;
}

absl::StatusOr<ObjectStore::Tail> LocalObjectStore::GetTail(const std::string& key,
                                                            uint64_t length) {
  STRATA_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, OpenObject(key));
  Tail tail;
  STRATA_ASSIGN_OR_RETURN(tail.object_size, file->Size());
  const uint64_t wanted = std::min(length, tail.object_size);
  counters_.CountReceived(wanted);
  STRATA_ASSIGN_OR_RETURN(tail.bytes, ReadRange(*file, tail.object_size - wanted, wanted));
  return tail;
}

absl::StatusOr<std::vector<ObjectInfo>> LocalObjectStore::List(const std::string& prefix,
                                                               const std::string& after,
                                                               size_t limit) {
  STRATA_RETURN_IF_ERROR(CheckKeyPrefix(prefix));
  STRATA_RETURN_IF_ERROR(CheckKeyPrefix(after));
  counters_.Count(RequestKind::kList);
  return ListKeys(file_system_, root_, prefix, after, limit);
}

absl::Status LocalObjectStore::Delete(const std::string& key) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  counters_.Count(RequestKind::kDelete);
  const absl::Status no_links = CheckNoLinks(key);
  if (absl::IsNotFound(no_links)) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(no_links);
  const std::string path = absl::StrCat(root_, "/", key);
  const absl::StatusOr<FileInfo> info = file_system_->Stat(path);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(info.status());
  if (info->kind == FileKind::kDirectory) return absl::OkStatus();  // of other keys: no such object
  const absl::Status removed = file_system_->Unlink(path);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  return file_system_->SyncDirectory(DirectoryOf(path));
}

absl::StatusOr<std::unique_ptr<File>> LocalObjectStore::OpenObject(const std::string& key) {
  STRATA_RETURN_IF_ERROR(CheckKey(key));
  counters_.Count(RequestKind::kGet);
  STRATA_RETURN_IF_ERROR(CheckNoLinks(key));
  const std::string path = absl::StrCat(root_, "/", key);
  absl::StatusOr<std::unique_ptr<File>> file =
      file_system_->Open(path, OpenMode::kReadOnlyNoFollow);
  if (absl::IsFailedPrecondition(file.status())) {
    return absl::NotFoundError(absl::StrCat(url_, "/", key, ": no object, but a directory"));
  }
  return file;
}

// A symbolic link among the directories of a key would lead out of the root.
absl::Status LocalObjectStore::CheckNoLinks(const std::string& key) {
  for (size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    const std::string directory = absl::StrCat(root_, "/", key.substr(0, slash));
    STRATA_ASSIGN_OR_RETURN(const FileInfo info, file_system_->Stat(directory));
    if (info.kind == FileKind::kOther) {
      return absl::PermissionDeniedError(
          absl::StrCat(directory, ": a symbolic link or device inside a store is not followed"));
    }
  }
  return absl::OkStatus();
}

absl::Status LocalObjectStore::EnsureDirectory(const std::string& directory) {
  {
    MutexLock lock(&mutex_);
    if (durable_directories_.contains(directory)) return absl::OkStatus();
  }
  const absl::Status created = file_system_->CreateDirectory(directory, ownership_);
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  // Also when it was there: its creator may not have come as far as the sync.
  STRATA_RETURN_IF_ERROR(file_system_->SyncDirectory(DirectoryOf(directory)));
  MutexLock lock(&mutex_);
  durable_directories_.insert(directory);
  return absl::OkStatus();
}

absl::Status LocalObjectStore::EnsureDirectories(const std::string& key) {
  STRATA_RETURN_IF_ERROR(EnsureDirectory(root_));
  for (size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    const std::string directory = absl::StrCat(root_, "/", key.substr(0, slash));
    STRATA_RETURN_IF_ERROR(EnsureDirectory(directory));
    STRATA_ASSIGN_OR_RETURN(const FileInfo info, file_system_->Stat(directory));
    if (info.kind == FileKind::kDirectory) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(directory, ": not a directory, so no object can be put below it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<File>> LocalObjectStore::CreateTemporary(
    const std::string& directory) {
  for (;;) {
    const std::string path = absl::StrCat(directory, "/", std::string(1, kTemporaryMark),
                                          absl::Hex(random_->Next64(), absl::kZeroPad16));
    absl::StatusOr<std::unique_ptr<File>> file =
        file_system_->Open(path, OpenMode::kCreate, ownership_);
    if (absl::IsAlreadyExists(file.status())) continue;
    STRATA_RETURN_IF_ERROR(file.status());
    // Not ours when RemoveLeftovers came between create and lock: it is about to go.
    STRATA_ASSIGN_OR_RETURN(const bool locked, (*file)->TryLock(LockKind::kExclusive));
    if (locked) return file;
  }
}

absl::StatusOr<size_t> LocalObjectStore::RemoveLeftovers(const std::string& prefix) {
  STRATA_RETURN_IF_ERROR(CheckKeyPrefix(prefix));
  const absl::Status no_links = CheckNoLinks(prefix);
  if (absl::IsNotFound(no_links)) return 0;
  STRATA_RETURN_IF_ERROR(no_links);
  const size_t slash = prefix.rfind('/');
  const std::string directory =
      slash == std::string::npos ? root_ : absl::StrCat(root_, "/", prefix.substr(0, slash));
  size_t removed = 0;
  STRATA_RETURN_IF_ERROR(RemoveLeftoversIn(directory, &removed));
  return removed;
}

absl::Status LocalObjectStore::RemoveLeftoversIn(const std::string& directory, size_t* removed) {
  const absl::StatusOr<std::vector<std::string>> names = file_system_->List(directory);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(directory, "/", name);
    const absl::StatusOr<FileInfo> info = file_system_->Stat(path);
    if (absl::IsNotFound(info.status())) continue;
    STRATA_RETURN_IF_ERROR(info.status());
    if (info->kind == FileKind::kDirectory && IsKeyComponent(name)) {
      STRATA_RETURN_IF_ERROR(RemoveLeftoversIn(path, removed));
    }
    if (info->kind != FileKind::kRegular || name.front() != kTemporaryMark) continue;
    STRATA_ASSIGN_OR_RETURN(const bool gone, RemoveIfAbandoned(path));
    *removed += gone;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> LocalObjectStore::RemoveIfAbandoned(const std::string& path) {
  absl::StatusOr<std::unique_ptr<File>> file = file_system_->Open(path, OpenMode::kReadWrite);
  if (absl::IsNotFound(file.status())) return false;
  STRATA_RETURN_IF_ERROR(file.status());
  STRATA_ASSIGN_OR_RETURN(const bool locked, (*file)->TryLock(LockKind::kExclusive));
  if (!locked) return false;
  const absl::Status removed = file_system_->Unlink(path);
  if (absl::IsNotFound(removed)) return false;
  STRATA_RETURN_IF_ERROR(removed);
  return true;
}

}  // namespace strata::io
