#include <sqlite3.h>

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "sqlite/engine_allocation.h"
#include "sqlite/vfs_file_system.h"
#include "sqlite/vfs_status.h"

namespace strata::sqlite {

namespace {

constexpr size_t kLargestTransfer = 65536;  // a page; SQLite's VFS writes nothing at all of 128 KiB

// A log file behind the VFS.
class LogFile : public io::File {
 public:
  LogFile(const std::string& path, int handle_bytes, const std::atomic<bool>* full_sync)
      : path_(path),
        // As SQLite hands a name to a VFS: closed by more than one zero, no parameters.
        name_(std::make_unique<char[]>(path.size() + 4)),
        handle_(std::make_unique<char[]>(static_cast<size_t>(handle_bytes))),
        full_sync_(*full_sync) {
    std::memcpy(name_.get(), path.data(), path.size());
  }

  ~LogFile() override {
    if (file()->pMethods != nullptr) file()->pMethods->xClose(file());
  }

  absl::Status Open(sqlite3_vfs* vfs, int flags) {
    int flags_out = 0;
    return StatusOfVfs(vfs->xOpen(vfs, name_.get(), file(), flags, &flags_out), path_, "open");
  }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, io::MutableBytes out) override {
    size_t done = 0;
    while (done < out.size()) {
      STRATA_ASSIGN_OR_RETURN(const size_t read,
                              ReadPiece(offset + done, out.subspan(done, kLargestTransfer)));
      done += read;
      if (read == 0) break;
    }
    return done;
  }

  absl::StatusOr<size_t> ReadPiece(uint64_t offset, io::MutableBytes out) {
    const int rc = methods().xRead(file(), out.data(), static_cast<int>(out.size()),
                                   static_cast<sqlite3_int64>(offset));
    if (rc != SQLITE_IOERR_SHORT_READ) {
      STRATA_RETURN_IF_ERROR(StatusOfVfs(rc, path_, "read"));
      return out.size();
    }
    STRATA_ASSIGN_OR_RETURN(const uint64_t size, Size());
    return size > offset ? static_cast<size_t>(size - offset) : 0;
  }

  absl::Status WriteAt(uint64_t offset, absl::Span<const io::ByteView> parts) override {
    for (io::ByteView rest : parts) {
      while (!rest.empty()) {
        const io::ByteView piece = rest.subspan(0, kLargestTransfer);
        const InsideLogFile inside;
        const int rc = methods().xWrite(file(), piece.data(), static_cast<int>(piece.size()),
                                        static_cast<sqlite3_int64>(offset));
        STRATA_RETURN_IF_ERROR(StatusOfVfs(rc, path_, "write"));
        offset += piece.size();
        rest.remove_prefix(piece.size());
      }
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    const int flags =
        full_sync_.load(std::memory_order_relaxed) ? SQLITE_SYNC_FULL : SQLITE_SYNC_NORMAL;
    const InsideLogFile inside;
    return StatusOfVfs(methods().xSync(file(), flags), path_, "sync");
  }

  absl::StatusOr<uint64_t> Size() override {
    sqlite3_int64 size = 0;
    STRATA_RETURN_IF_ERROR(StatusOfVfs(methods().xFileSize(file(), &size), path_, "size"));
    return static_cast<uint64_t>(size);
  }

  absl::Status Truncate(uint64_t size) override {
    return StatusOfVfs(methods().xTruncate(file(), static_cast<sqlite3_int64>(size)), path_,
                       "truncate");
  }

  absl::StatusOr<bool> TryLockRange(const io::LockRange&, io::LockKind) override {
    return NoLocks();
  }
  absl::Status UnlockRange(const io::LockRange&) override { return NoLocks(); }
  absl::StatusOr<bool> IsLockedByOthers(const io::LockRange&) override { return NoLocks(); }
  const std::string& path() const override { return path_; }

 private:
  absl::Status NoLocks() const {
    return absl::UnimplementedError(absl::StrCat(path_, ": a VFS has no lock of this kind"));
  }
  sqlite3_file* file() const { return reinterpret_cast<sqlite3_file*>(handle_.get()); }
  const sqlite3_io_methods& methods() const { return *file()->pMethods; }

  const std::string path_;
  const std::unique_ptr<char[]> name_;  // the VFS keeps a pointer to it
  const std::unique_ptr<char[]> handle_;
  const std::atomic<bool>& full_sync_;
};

int OpenFlags(io::OpenMode mode) {
  switch (mode) {
    case io::OpenMode::kReadOnly:
    case io::OpenMode::kReadOnlyNoFollow:
      return SQLITE_OPEN_READONLY;
    case io::OpenMode::kReadWrite:
      return SQLITE_OPEN_READWRITE;
    case io::OpenMode::kCreate:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE;
    case io::OpenMode::kCreateOrOpen:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
  return SQLITE_OPEN_READONLY;
}

// Only what carries frames: identities and locks are no business of a VFS.
bool IsLogFile(const std::string& path) {
  return absl::EndsWith(path, ".log") || absl::EndsWith(path, ".log.tmp") ||
         absl::StrContains(path, "/spare-");
}

}  // namespace

absl::StatusOr<std::unique_ptr<io::File>> VfsFileSystem::Open(const std::string& path,
                                                              io::OpenMode mode,
                                                              const io::Ownership& ownership) {
  if (!IsLogFile(path)) return names_.Open(path, mode, ownership);
  auto file = std::make_unique<LogFile>(path, vfs_->szOsFile, &full_sync_);
  STRATA_RETURN_IF_ERROR(file->Open(vfs_, OpenFlags(mode) | SQLITE_OPEN_WAL));
  return file;
}

absl::Status VfsFileSystem::Unlink(const std::string& path) {
  return IsLogFile(path) ? StatusOfVfs(vfs_->xDelete(vfs_, path.c_str(), 0), path, "unlink")
                         : names_.Unlink(path);
}

}  // namespace strata::sqlite
