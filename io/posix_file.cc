#include "io/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <climits>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/forked_locks.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

// Enough for the common write of a few frames without touching the heap.
using IoVectors = absl::InlinedVector<iovec, 16>;

struct flock FlockOf(short type, const LockRange& range) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(range.first);
  lock.l_len = static_cast<off_t>(range.count);
  return lock;
}

absl::Status CheckRange(uint64_t offset, uint64_t length, const std::string& path) {
  constexpr uint64_t kMax = std::numeric_limits<off_t>::max();
  if (offset <= kMax && length <= kMax - offset) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": range at ", offset, " of ", length,
                                                 " bytes is beyond the largest file"));
}

uint64_t TotalSize(absl::Span<const ByteView> parts) {
  uint64_t total = 0;
  for (const ByteView& part : parts) total += part.size();
  return total;
}

// Takes parts off the front of `parts` until the system call's limit.
IoVectors NextBatch(absl::Span<const ByteView>* parts) {
  IoVectors batch;
  while (!parts->empty() && batch.size() < IOV_MAX) {
    const ByteView part = parts->front();
    if (!part.empty()) batch.push_back({const_cast<uint8_t*>(part.data()), part.size()});
    parts->remove_prefix(1);
  }
  return batch;
}

absl::Span<iovec> DropWritten(absl::Span<iovec> vectors, size_t written) {
  while (!vectors.empty() && written >= vectors.front().iov_len) {
    written -= vectors.front().iov_len;
    vectors.remove_prefix(1);
  }
  if (written > 0) {
    vectors.front().iov_base = static_cast<uint8_t*>(vectors.front().iov_base) + written;
    vectors.front().iov_len -= written;
  }
  return vectors;
}

absl::Status WriteBatch(int fd, const std::string& path, uint64_t* offset,
                        absl::Span<iovec> vectors) {
  while (!vectors.empty()) {
    const ssize_t written = ::pwritev(fd, vectors.data(), static_cast<int>(vectors.size()),
                                      static_cast<off_t>(*offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return ErrnoStatus(written < 0 ? errno : EIO, absl::StrCat("write at ", *offset, " of"),
                         path);
    }
    *offset += static_cast<uint64_t>(written);
    vectors = DropWritten(vectors, static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<size_t> PosixFile::ReadAt(uint64_t offset, MutableBytes out) {
  STRATA_RETURN_IF_ERROR(CheckRange(offset, out.size(), path_));
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, absl::StrCat("read at ", offset + done, " of"), path_);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

absl::Status PosixFile::WriteAt(uint64_t offset, absl::Span<const ByteView> parts) {
  STRATA_RETURN_IF_ERROR(CheckRange(offset, TotalSize(parts), path_));
  while (!parts.empty()) {
    IoVectors batch = NextBatch(&parts);
    STRATA_RETURN_IF_ERROR(WriteBatch(fd_.get(), path_, &offset, absl::MakeSpan(batch)));
  }
  return absl::OkStatus();
}

absl::Status PosixFile::Sync() {
  // Not repeated after EINTR: the first call may already have consumed the error.
  if (::fdatasync(fd_.get()) != 0) return ErrnoStatus(errno, "sync", path_);
  return absl::OkStatus();
}

// A file system that finds no room for what it had accepted may tell of it here and nowhere else.
absl::Status PosixFile::StartWriteback(uint64_t offset, uint64_t bytes) {
  const int result = ::sync_file_range(fd_.get(), static_cast<off64_t>(offset),
                                       static_cast<off64_t>(bytes), SYNC_FILE_RANGE_WRITE);
  if (result == 0 || errno == EINVAL || errno == ESPIPE || errno == ENOSYS) return absl::OkStatus();
  return ErrnoStatus(errno, "write back", path_);
}

// By the descriptor, not by the name: that may be another file's by now.
absl::StatusOr<std::unique_ptr<File>> PosixFile::OpenForSync() {
  const std::string name = absl::StrCat("/proc/self/fd/", fd_.get());
  UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return ErrnoStatus(errno, "open a second time", path_);
  return std::make_unique<PosixFile>(std::move(fd), path_);
}

absl::StatusOr<uint64_t> PosixFile::Size() {
  struct stat info;
  if (::fstat(fd_.get(), &info) != 0) return ErrnoStatus(errno, "stat", path_);
  return static_cast<uint64_t>(info.st_size);
}

absl::Status PosixFile::Truncate(uint64_t size) {
  STRATA_RETURN_IF_ERROR(CheckRange(size, 0, path_));
  while (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, absl::StrCat("truncate to ", size, " of"), path_);
  }
  return absl::OkStatus();
}

PosixFile::~PosixFile() {
  if (may_hold_locks_.load(std::memory_order_relaxed)) ForgetLockHolder(fd_.get());
}

absl::Status PosixFile::SetLock(short type, const LockRange& range) {
  if (type != F_UNLCK && !may_hold_locks_.exchange(true)) NoteLockHolder(fd_.get());
  struct flock lock = FlockOf(type, range);
  while (::fcntl(fd_.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return absl::CancelledError("lock is held");
    if (errno != EINTR) return ErrnoStatus(errno, "lock", path_);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PosixFile::TryLockRange(const LockRange& range, LockKind kind) {
  const absl::Status status = SetLock(kind == LockKind::kShared ? F_RDLCK : F_WRLCK, range);
  if (absl::IsCancelled(status)) return false;
  if (!status.ok()) return status;
  return true;
}

absl::Status PosixFile::UnlockRange(const LockRange& range) { return SetLock(F_UNLCK, range); }

absl::StatusOr<bool> PosixFile::IsLockedByOthers(const LockRange& range) {
  struct flock lock = FlockOf(F_WRLCK, range);
  while (::fcntl(fd_.get(), F_OFD_GETLK, &lock) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "look at locks of", path_);
  }
  return lock.l_type != F_UNLCK;
}

}  // namespace strata::io
