#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "io/file.h"
#include "sqlite/virtual_wal.h"

namespace strata::sqlite {

// The database file as Strata may touch it: a handle of SQLite's own VFS, so that the process's
// POSIX locks on the file survive (closing any other descriptor of it would drop them). Holds no
// lock. Any thread.
class VfsFile : public io::File {
 public:
  static absl::StatusOr<std::shared_ptr<VfsFile>> Open(const strata_wal_host* host,
                                                       sqlite3_vfs* vfs, const char* wal_name,
                                                       bool read_only);
  ~VfsFile() override;

  absl::StatusOr<size_t> ReadAt(uint64_t offset, io::MutableBytes out) override;
  absl::Status WriteAt(uint64_t offset, absl::Span<const io::ByteView> parts) override;
  absl::Status Sync() override;
  absl::StatusOr<uint64_t> Size() override;
  absl::Status Truncate(uint64_t size) override;
  absl::StatusOr<bool> TryLockRange(const io::LockRange& range, io::LockKind kind) override;
  absl::Status UnlockRange(const io::LockRange& range) override;
  absl::StatusOr<bool> IsLockedByOthers(const io::LockRange& range) override;
  const std::string& path() const override { return path_; }

 private:
  VfsFile(const strata_wal_host* host, std::string path) : host_(*host), path_(std::move(path)) {}

  const strata_wal_host& host_;
  sqlite3_file* file_ = nullptr;
  const std::string path_;
};

// A File of its own over a handle that others share.
std::unique_ptr<io::File> ShareFile(std::shared_ptr<io::File> file);

}  // namespace strata::sqlite
