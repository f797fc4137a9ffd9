#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"

struct sqlite3_vfs;

namespace strata::sqlite {

// The log's files over a VFS of SQLite, as SQLite's own test suite wants it: its VFS counts syncs
// and injects errors. What a VFS cannot do (directories, renames, listings, locks that belong to a
// file) goes to `names`, which must outlive this, as the VFS must. Any thread.
class VfsFileSystem : public io::FileSystem {
 public:
  VfsFileSystem(sqlite3_vfs* vfs, io::FileSystem* names) : vfs_(vfs), names_(*names) {}

  // PRAGMA fullfsync: which kind of sync the VFS is asked for from now on.
  void set_full_sync(bool full) { full_sync_.store(full, std::memory_order_relaxed); }

  absl::StatusOr<std::unique_ptr<io::File>> Open(const std::string& path, io::OpenMode mode,
                                                 const io::Ownership& ownership) override;
  absl::Status CreateDirectory(const std::string& path, const io::Ownership& ownership) override {
    return names_.CreateDirectory(path, ownership);
  }
  absl::Status RemoveDirectory(const std::string& path) override {
    return names_.RemoveDirectory(path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return names_.Rename(from, to);
  }
  absl::Status RenameIfAbsent(const std::string& from, const std::string& to) override {
    return names_.RenameIfAbsent(from, to);
  }
  absl::Status Unlink(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override {
    return names_.SyncDirectory(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return names_.List(path);
  }
  absl::StatusOr<io::FileInfo> Stat(const std::string& path) override { return names_.Stat(path); }
  absl::StatusOr<std::unique_ptr<io::SharedMemory>> MapShared(
      const std::string& path, io::OpenMode mode, uint64_t bytes,
      const io::Ownership& ownership) override {
    return names_.MapShared(path, mode, bytes, ownership);
  }
  absl::StatusOr<bool> IsNetwork(const std::string& path) override {
    return names_.IsNetwork(path);
  }

 private:
  sqlite3_vfs* const vfs_;
  io::FileSystem& names_;
  std::atomic<bool> full_sync_{false};
};

}  // namespace strata::sqlite
