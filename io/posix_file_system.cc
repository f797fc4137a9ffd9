#include "io/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/network_file_system.h"
#include "io/posix_file.h"
#include "io/posix_shared_memory.h"
#include "io/status_macros.h"
#include "io/unique_fd.h"

namespace strata::io {
namespace {

constexpr uint32_t kPermissionBits = 0777;

UniqueFd OpenRetrying(const std::string& path, int flags, mode_t mode = 0) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EINTR) return UniqueFd(fd);
  }
}

// Gives a new file or directory the owner and mode asked for, whatever the umask says. Changing the
// owner needs a right we may not have: then the file stays ours.
absl::Status ApplyOwnership(int fd, const Ownership& ownership, uint32_t mode,
                            const std::string& path) {
  if (ownership.set_owner && ::fchown(fd, ownership.uid, ownership.gid) != 0 && errno != EPERM) {
    return ErrnoStatus(errno, "change owner of", path);
  }
  if (::fchmod(fd, mode) != 0) return ErrnoStatus(errno, "change mode of", path);
  return absl::OkStatus();
}

uint32_t DirectoryMode(uint32_t mode) { return (mode & kPermissionBits) | ((mode & 0444) >> 2); }

int64_t BornNs(const std::string& path) {
  struct statx info;
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) != 0) return 0;
  if ((info.stx_mask & STATX_BTIME) == 0) return 0;
  return static_cast<int64_t>(info.stx_btime.tv_sec) * 1'000'000'000 + info.stx_btime.tv_nsec;
}

absl::Status CheckRegular(int fd, const std::string& path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return ErrnoStatus(errno, "stat", path);
  if (S_ISREG(info.st_mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("open ", path, ": not a regular file"));
}

absl::StatusOr<UniqueFd> OpenExisting(const std::string& path, int flags) {
  // O_NONBLOCK: a FIFO in the place of a file must not hang us before CheckRegular refuses it.
  UniqueFd fd = OpenRetrying(path, flags | O_NONBLOCK);
  if (!fd.ok()) return ErrnoStatus(errno, "open", path);
  STRATA_RETURN_IF_ERROR(CheckRegular(fd.get(), path));
  return fd;
}

absl::StatusOr<UniqueFd> CreateNew(const std::string& path, const Ownership& ownership) {
  const uint32_t mode = ownership.mode & kPermissionBits;
  UniqueFd fd = OpenRetrying(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0600);
  if (!fd.ok()) return ErrnoStatus(errno, "create", path);
  const absl::Status owned = ApplyOwnership(fd.get(), ownership, mode, path);
  if (owned.ok()) return fd;
  ::unlink(path.c_str());
  return owned;
}

absl::StatusOr<UniqueFd> CreateOrOpen(const std::string& path, const Ownership& ownership) {
  // Two steps, because only a file that we created gets the ownership; again when it vanished
  // between.
  for (;;) {
    absl::StatusOr<UniqueFd> created = CreateNew(path, ownership);
    if (!absl::IsAlreadyExists(created.status())) return created;
    absl::StatusOr<UniqueFd> opened = OpenExisting(path, O_RDWR | O_NOFOLLOW);
    if (!absl::IsNotFound(opened.status())) return opened;
  }
}

absl::StatusOr<UniqueFd> OpenFd(const std::string& path, OpenMode mode,
                                const Ownership& ownership) {
  switch (mode) {
    case OpenMode::kReadOnly:
      return OpenExisting(path, O_RDONLY);
    case OpenMode::kReadOnlyNoFollow:
      return OpenExisting(path, O_RDONLY | O_NOFOLLOW);
    case OpenMode::kReadWrite:
      return OpenExisting(path, O_RDWR);
    case OpenMode::kCreate:
      return CreateNew(path, ownership);
    case OpenMode::kCreateOrOpen:
      return CreateOrOpen(path, ownership);
  }
  return absl::InvalidArgumentError("unknown open mode");
}

int64_t Nanoseconds(const timespec& time) {
  return time.tv_sec * int64_t{1000000000} + time.tv_nsec;
}

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  return FileKind::kOther;
}

// For file systems without RENAME_NOREPLACE. A crash between the two calls leaves both names.
absl::Status LinkThenUnlink(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, "link", to);
  if (::unlink(from.c_str()) != 0) return ErrnoStatus(errno, "unlink", from);
  return absl::OkStatus();
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using UniqueDirectory = std::unique_ptr<DIR, CloseDirectory>;

absl::StatusOr<UniqueDirectory> OpenDirectory(const std::string& path) {
  UniqueFd fd = OpenRetrying(path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return ErrnoStatus(errno, "open directory", path);
  UniqueDirectory directory(::fdopendir(fd.get()));
  if (directory == nullptr) return ErrnoStatus(errno, "open directory", path);
  fd.release();
  return directory;
}

class PosixFileSystemImpl : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode,
                                             const Ownership& ownership) override {
    STRATA_ASSIGN_OR_RETURN(UniqueFd fd, OpenFd(path, mode, ownership));
    return std::make_unique<PosixFile>(std::move(fd), path);
  }

  absl::Status CreateDirectory(const std::string& path, const Ownership& ownership) override {
    const uint32_t mode = DirectoryMode(ownership.mode);
    if (::mkdir(path.c_str(), mode & 0700) != 0)
      return ErrnoStatus(errno, "create directory", path);
    const UniqueFd fd = OpenRetrying(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd.ok()) return ErrnoStatus(errno, "open directory", path);
    return ApplyOwnership(fd.get(), ownership, mode, path);
  }

  absl::Status RemoveDirectory(const std::string& path) override {
    if (::rmdir(path.c_str()) != 0) return ErrnoStatus(errno, "remove directory", path);
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return ErrnoStatus(errno, absl::StrCat("rename ", from, " to"), to);
    }
    return absl::OkStatus();
  }

  absl::Status RenameIfAbsent(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      return absl::OkStatus();
    }
    if (errno == EINVAL || errno == ENOSYS) return LinkThenUnlink(from, to);
    return ErrnoStatus(errno, absl::StrCat("rename ", from, " to"), to);
  }

  absl::Status Unlink(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return ErrnoStatus(errno, "unlink", path);
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const UniqueFd fd = OpenRetrying(path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return ErrnoStatus(errno, "open directory", path);
    if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, "sync directory", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    STRATA_ASSIGN_OR_RETURN(const UniqueDirectory directory, OpenDirectory(path));
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return ErrnoStatus(errno, "list", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<FileInfo> Stat(const std::string& path) override {
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "stat", path);
    FileInfo result;
    result.kind = KindOf(info.st_mode);
    result.size = static_cast<uint64_t>(info.st_size);
    result.device = info.st_dev;
    result.inode = info.st_ino;
    result.modified_ns = Nanoseconds(info.st_mtim);
    result.changed_ns = Nanoseconds(info.st_ctim);
    result.born_ns = BornNs(path);
    result.mode = info.st_mode & 07777;
    result.uid = info.st_uid;
    result.gid = info.st_gid;
    return result;
  }

  absl::StatusOr<std::unique_ptr<SharedMemory>> MapShared(const std::string& path, OpenMode mode,
                                                          uint64_t bytes,
                                                          const Ownership& ownership) override {
    STRATA_ASSIGN_OR_RETURN(UniqueFd fd, OpenFd(path, mode, ownership));
    return MapSharedFile(std::move(fd), path, bytes);
  }

  absl::StatusOr<bool> IsNetwork(const std::string& path) override {
    struct statfs info;
    while (::statfs(path.c_str(), &info) != 0) {
      if (errno != EINTR) return ErrnoStatus(errno, "statfs", path);
    }
    return IsNetworkMagic(static_cast<uint64_t>(info.f_type));
  }
};

}  // namespace

FileSystem& PosixFileSystem() {
  static PosixFileSystemImpl& instance = *new PosixFileSystemImpl;
  return instance;
}

}  // namespace strata::io
