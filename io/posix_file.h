#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "io/file.h"
#include "io/unique_fd.h"

namespace strata::io {

// A File over an open descriptor of a regular file.
class PosixFile : public File {
 public:
  PosixFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  ~PosixFile() override;

  absl::StatusOr<size_t> ReadAt(uint64_t offset, MutableBytes out) override;
  absl::Status WriteAt(uint64_t offset, absl::Span<const ByteView> parts) override;
  absl::Status Sync() override;
  absl::Status StartWriteback(uint64_t offset, uint64_t bytes) override;
  absl::StatusOr<std::unique_ptr<File>> OpenForSync() override;
  absl::StatusOr<uint64_t> Size() override;
  absl::Status Truncate(uint64_t size) override;
  absl::StatusOr<bool> TryLockRange(const LockRange& range, LockKind kind) override;
  absl::Status UnlockRange(const LockRange& range) override;
  absl::StatusOr<bool> IsLockedByOthers(const LockRange& range) override;
  const std::string& path() const override { return path_; }

 private:
  absl::Status SetLock(short type, const LockRange& range);

  const UniqueFd fd_;
  const std::string path_;
  std::atomic<bool> may_hold_locks_{false};
};

}  // namespace strata::io
