#include "io/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/unique_fd.h"

namespace strata::io {
namespace {

constexpr off_t kMostBytes = 1 << 20;

}  // namespace

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, ReadableBy readable_by) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return ErrnoStatus(errno, "open", path);
  struct stat info = {};
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "fstat", path);
  if (!S_ISREG(info.st_mode) || info.st_size > kMostBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a file of at most 1 MiB"));
  }
  if (readable_by == ReadableBy::kNotOthers && (info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": holds keys and is open to everyone: chmod o= it"));
  }
  std::string text(static_cast<size_t>(info.st_size), '\0');
  const ssize_t got = pread(fd.get(), text.data(), text.size(), 0);
  if (got < 0) return ErrnoStatus(errno, "read", path);
  text.resize(static_cast<size_t>(got));
  return text;
}

}  // namespace strata::io
