#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "io/bytes.h"
#include "io/shared_memory.h"

// The seam between Strata and the disk. Everything that touches local files goes through these two
// interfaces; io/posix_file_system.h is the product's implementation,
// tests/support/simulated_disk.h the one that loses, reorders and tears what was not synced.
//
// Error codes, one for each reaction of a caller (the message names operation, path and errno):
//   NotFound           no such file or directory
//   AlreadyExists      exclusive create of, or RenameIfAbsent to, a name that exists
//   FailedPrecondition the name is of another kind (a directory, a device), or a directory is not
//                      empty
//   ResourceExhausted  a passing lack; LackOf (io/errno_status.h) says of what: space (ENOSPC,
//                      EDQUOT), descriptors (EMFILE, ENFILE) or memory (ENOMEM)
//   PermissionDenied   EACCES, EPERM, EROFS, a symbolic link where none is followed
//   Internal           EIO and everything else: the device failed
namespace strata::io {

enum class LockKind { kShared, kExclusive };

// Bytes of a file to lock, which need not exist. `count` 0: all from `first` on.
struct LockRange {
  uint64_t first = 0;
  uint64_t count = 0;
};

// An open file. Reads and writes are positioned and may come from any number of threads at once;
// the destructor closes and ignores errors (what must be durable was synced). Closing drops the
// process's POSIX record locks on the same inode, if it holds any: never open a file that SQLite
// has locked.
class File {
 public:
  virtual ~File() = default;

  // Reads up to out.size() bytes at `offset`; fewer only at the end of the file. Returns the number
  // read.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, MutableBytes out) = 0;

  // Writes all of `parts`, one after the other, from `offset` on. After an error an unknown part of
  // them is written. Any number of parts.
  virtual absl::Status WriteAt(uint64_t offset, absl::Span<const ByteView> parts) = 0;

  // Makes the bytes and the length durable (fdatasync). After an error nothing may be assumed about
  // any byte written since the last successful Sync: it must not be called again and believed.
  virtual absl::Status Sync() = 0;

  // These bytes should be on their way to the device by the time Sync is called. Makes nothing
  // durable; after an error, what Sync says of them is not to be believed.
  virtual absl::Status StartWriteback(uint64_t /*offset*/, uint64_t /*bytes*/) {
    return absl::OkStatus();
  }

  // The same file, opened once more for its Sync alone. The system tells each open file once of an
  // error of the device: two syncs that run at the same time through one of them could hide it from
  // each other. Unimplemented: there is no such thing here.
  virtual absl::StatusOr<std::unique_ptr<File>> OpenForSync() {
    return absl::UnimplementedError("the file cannot be opened twice");
  }

  virtual absl::StatusOr<uint64_t> Size() = 0;
  virtual absl::Status Truncate(uint64_t size) = 0;

  // Advisory lock that belongs to this open file, not to the process (open file description lock).
  // Never waits: false when another open file holds a conflicting one. A child of fork() holds
  // none.
  virtual absl::StatusOr<bool> TryLockRange(const LockRange& range, LockKind kind) = 0;
  virtual absl::Status UnlockRange(const LockRange& range) = 0;
  // Whether another open file holds a lock, of any kind, on a byte of `range`.
  virtual absl::StatusOr<bool> IsLockedByOthers(const LockRange& range) = 0;

  // The same of the whole file.
  absl::StatusOr<bool> TryLock(LockKind kind) { return TryLockRange({}, kind); }
  absl::Status Unlock() { return UnlockRange({}); }

  // The path it was opened with, for messages.
  virtual const std::string& path() const = 0;

  absl::Status Write(uint64_t offset, ByteView bytes) { return WriteAt(offset, {bytes}); }
};

// Only regular files can be opened.
enum class OpenMode {
  kReadOnly,
  kReadOnlyNoFollow,  // a symbolic link as last component is refused
  kReadWrite,
  kCreate,        // must not exist (O_CREAT | O_EXCL | O_NOFOLLOW)
  kCreateOrOpen,  // O_CREAT | O_NOFOLLOW
};

// Who owns a new file or directory and who may open it.
struct Ownership {
  uint32_t mode = 0600;    // permission bits; a directory gets the matching search bits
  bool set_owner = false;  // chown to uid and gid (needs the right to; otherwise ignored)
  uint32_t uid = 0;
  uint32_t gid = 0;
};

enum class FileKind { kRegular, kDirectory, kOther };

struct FileInfo {
  FileKind kind = FileKind::kRegular;
  uint64_t size = 0;  // bytes
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;  // mtime, nanoseconds since 1970
  int64_t changed_ns = 0;   // ctime, nanoseconds since 1970
  int64_t born_ns = 0;      // when the file was created, nanoseconds since 1970; 0: not known
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

// Names in directories. A create, rename or unlink is durable only after SyncDirectory of the
// directory that holds the name. Safe to call from any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode,
                                                     const Ownership& ownership = {}) = 0;
  virtual absl::Status CreateDirectory(const std::string& path,
                                       const Ownership& ownership = {}) = 0;
  virtual absl::Status RemoveDirectory(const std::string& path) = 0;  // must be empty
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;

  // Like Rename, but AlreadyExists when `to` exists; of several callers at once exactly one
  // succeeds.
  virtual absl::Status RenameIfAbsent(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Unlink(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;

  // Names (not paths) in a directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  // Of the name itself: a symbolic link is kOther.
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;

  // The memory of the file `path`, shared by all who map it: `mode` is kCreate or kReadWrite. Up to
  // `bytes` can be addressed; Reserve says from where to where they may be touched. Its content is
  // never durable. FailedPrecondition: a file system without shared mappings.
  virtual absl::StatusOr<std::unique_ptr<SharedMemory>> MapShared(
      const std::string& path, OpenMode mode, uint64_t bytes, const Ownership& ownership = {}) = 0;

  // True when the path is on a file system shared over a network (NFS, SMB, 9P, FUSE of unknown
  // kind), where locks and syncs cannot be trusted.
  virtual absl::StatusOr<bool> IsNetwork(const std::string& path) = 0;
};

// "a/b/c" -> "a/b"; "c" -> "."; "/c" -> "/".
std::string DirectoryOf(std::string_view path);

}  // namespace strata::io
