#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "io/file.h"
#include "tests/support/disk_operation.h"
#include "tests/support/disk_tree.h"
#include "tests/support/fault_plan.h"
#include "tests/support/range_locks.h"

namespace strata::support {

// What a SimulatedDisk and its open files share: present state, record, faults and locks. The
// public functions are the calls of io::FileSystem and io::File, with inodes for open files.
class DiskCore {
 public:
  DiskCore(DiskTree tree, int64_t start_ns)
      : live_(std::move(tree)), initial_(live_.Fork()), start_ns_(start_ns) {}

  absl::StatusOr<InodeNo> Open(const std::string& path, io::OpenMode mode,
                               const io::Ownership& ownership);
  absl::Status CreateDirectory(const std::string& path, const io::Ownership& ownership);
  absl::Status Remove(const std::string& path, io::FileKind kind);
  absl::Status Rename(const std::string& from, const std::string& to, bool replace);
  absl::Status SyncDirectory(const std::string& path);
  absl::StatusOr<std::vector<std::string>> List(const std::string& path);
  absl::StatusOr<io::FileInfo> Stat(const std::string& path);
  absl::StatusOr<bool> IsNetwork(const std::string& path);

  absl::StatusOr<size_t> Read(InodeNo inode, const std::string& path, uint64_t offset,
                              io::MutableBytes out);
  absl::Status Write(InodeNo inode, const std::string& path, uint64_t offset,
                     absl::Span<const io::ByteView> parts);
  absl::Status Sync(InodeNo inode, const std::string& path);
  absl::StatusOr<uint64_t> Size(InodeNo inode, const std::string& path);
  absl::Status Truncate(InodeNo inode, const std::string& path, uint64_t size);
  absl::StatusOr<bool> TryLock(InodeNo inode, const std::string& path, const void* owner,
                               const io::LockRange& range, io::LockKind kind);
  absl::Status Unlock(InodeNo inode, const std::string& path, const void* owner,
                      const io::LockRange& range);
  absl::StatusOr<bool> IsLockedByOthers(InodeNo inode, const std::string& path, const void* owner,
                                        const io::LockRange& range);
  std::unique_ptr<io::SharedMemory> Map(InodeNo inode, uint64_t bytes);
  void Close(InodeNo inode, const void* owner);  // drops the lock

  absl::Mutex mutex;
  FaultPlan faults ABSL_GUARDED_BY(mutex);
  bool network ABSL_GUARDED_BY(mutex) = false;
  std::vector<OperationPtr> operations ABSL_GUARDED_BY(mutex);

  DiskTree ForkLive();
  int64_t NowNs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return start_ns_ + 1000 * static_cast<int64_t>(operations.size() + 1);
  }
  DiskTree ForkInitial();

 private:
  absl::Status Count(CallSet call, absl::string_view path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Record(DiskOperation operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<InodeNo> OpenExisting(const std::string& path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<InodeNo> Create(const std::string& path, const DiskTree::Place& place,
                                 OperationKind kind, const io::Ownership& ownership)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<InodeNo> ResolveDirectory(const std::string& path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status CheckReplaceable(const DiskTree::Place& source, const DiskTree::Place& target,
                                const std::string& to, bool replace)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  DiskTree live_ ABSL_GUARDED_BY(mutex);
  DiskTree initial_ ABSL_GUARDED_BY(mutex);
  const int64_t start_ns_;
  absl::flat_hash_map<InodeNo, RangeLocks> locks_ ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<InodeNo, std::weak_ptr<io::SharedMemory>> mapped_ ABSL_GUARDED_BY(mutex);
};

}  // namespace strata::support
