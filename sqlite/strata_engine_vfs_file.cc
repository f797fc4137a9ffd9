#include <sqlite3.h>

#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/status_macros.h"
#include "sqlite/engine_allocation.h"
#include "sqlite/vfs_file.h"
#include "sqlite/vfs_status.h"

namespace strata::sqlite {

namespace {

class SharedFile : public io::File {
 public:
  explicit SharedFile(std::shared_ptr<io::File> file) : file_(std::move(file)) {}
  absl::StatusOr<size_t> ReadAt(uint64_t offset, io::MutableBytes out) override {
    return file_->ReadAt(offset, out);
  }
  absl::Status WriteAt(uint64_t offset, absl::Span<const io::ByteView> parts) override {
    return file_->WriteAt(offset, parts);
  }
  absl::Status Sync() override { return file_->Sync(); }
  absl::StatusOr<uint64_t> Size() override { return file_->Size(); }
  absl::Status Truncate(uint64_t size) override { return file_->Truncate(size); }
  absl::StatusOr<bool> TryLockRange(const io::LockRange& range, io::LockKind kind) override {
    return file_->TryLockRange(range, kind);
  }
  absl::Status UnlockRange(const io::LockRange& range) override {
    return file_->UnlockRange(range);
  }
  absl::StatusOr<bool> IsLockedByOthers(const io::LockRange& range) override {
    return file_->IsLockedByOthers(range);
  }
  const std::string& path() const override { return file_->path(); }

 private:
  const std::shared_ptr<io::File> file_;
};

constexpr absl::string_view kVfsUrl = "strata/vfs";

absl::Status StatusFor(int rc, const std::string& message) {
  if (rc == SQLITE_IOERR_DELETE_NOENT) return absl::NotFoundError(message);
  switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
      return io::LackError(io::Lack::kDescriptors, message);
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace

absl::Status StatusOfVfs(int rc, const std::string& path, const char* operation) {
  CountFileCall(rc != SQLITE_OK && rc != SQLITE_IOERR_DELETE_NOENT);
  if (rc == SQLITE_OK) return absl::OkStatus();
  if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) throw std::bad_alloc();
  absl::Status status =
      StatusFor(rc, absl::StrCat(path, ": ", operation, ": SQLite result code ", rc));
  status.SetPayload(kVfsUrl, absl::Cord());
  return status;
}

bool IsOfVfs(const absl::Status& status) { return status.GetPayload(kVfsUrl).has_value(); }

absl::StatusOr<std::shared_ptr<VfsFile>> VfsFile::Open(const strata_wal_host* host,
                                                       sqlite3_vfs* vfs, const char* wal_name,
                                                       bool read_only) {
  std::shared_ptr<VfsFile> opened(new VfsFile(host, host->database_name(wal_name)));
  const int flags =
      SQLITE_OPEN_MAIN_DB | (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  STRATA_RETURN_IF_ERROR(
      StatusOfVfs(host->open_file(vfs, wal_name, flags, &opened->file_), opened->path_, "open"));
  NoteOwnHandles(1);
  return opened;
}

VfsFile::~VfsFile() {
  if (file_ == nullptr) return;
  host_.close_file(file_);
  NoteOwnHandles(-1);
}

absl::StatusOr<size_t> VfsFile::ReadAt(uint64_t offset, io::MutableBytes out) {
  const int rc = host_.read_file(file_, out.data(), static_cast<int>(out.size()),
                                 static_cast<int64_t>(offset));
  if (rc != SQLITE_IOERR_SHORT_READ) {
    STRATA_RETURN_IF_ERROR(StatusOfVfs(rc, path_, "read"));
    return out.size();
  }
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, Size());
  return size > offset ? static_cast<size_t>(size - offset) : 0;
}

absl::Status VfsFile::WriteAt(uint64_t offset, absl::Span<const io::ByteView> parts) {
  for (const io::ByteView& part : parts) {
    const int rc = host_.write_file(file_, part.data(), static_cast<int>(part.size()),
                                    static_cast<int64_t>(offset));
    STRATA_RETURN_IF_ERROR(StatusOfVfs(rc, path_, "write"));
    offset += part.size();
  }
  return absl::OkStatus();
}

absl::Status VfsFile::Sync() { return StatusOfVfs(host_.sync_file(file_, 0), path_, "sync"); }

absl::StatusOr<uint64_t> VfsFile::Size() {
  int64_t size = 0;
  STRATA_RETURN_IF_ERROR(StatusOfVfs(host_.file_size(file_, &size), path_, "size"));
  return static_cast<uint64_t>(size);
}

absl::Status VfsFile::Truncate(uint64_t size) {
  return StatusOfVfs(host_.truncate_file(file_, static_cast<int64_t>(size)), path_, "truncate");
}

namespace {
absl::Status NoLocks(const std::string& path) {
  return absl::UnimplementedError(absl::StrCat(path, ": SQLite locks the database file"));
}
}  // namespace

absl::StatusOr<bool> VfsFile::TryLockRange(const io::LockRange&, io::LockKind) {
  return NoLocks(path_);
}

absl::Status VfsFile::UnlockRange(const io::LockRange&) { return NoLocks(path_); }

absl::StatusOr<bool> VfsFile::IsLockedByOthers(const io::LockRange&) { return NoLocks(path_); }

std::unique_ptr<io::File> ShareFile(std::shared_ptr<io::File> file) {
  return std::make_unique<SharedFile>(std::move(file));
}

}  // namespace strata::sqlite
