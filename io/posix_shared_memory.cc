#include "io/posix_shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <ctime>
#include <utility>

#include "io/errno_status.h"
#include "io/futex.h"

namespace strata::io {
namespace {

class MappedFile : public SharedMemory {
 public:
  MappedFile(UniqueFd fd, std::string path, uint8_t* data, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), data_(data), size_(size) {}
  ~MappedFile() override { ::munmap(data_, size_); }

  uint8_t* data() const override { return data_; }
  uint64_t size() const override { return size_; }

  absl::StatusOr<uint64_t> Reserved() const override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return ErrnoStatus(errno, "stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

  // A page without a block behind it would be a SIGBUS on a full disk.
  absl::Status Reserve(uint64_t bytes) override {
    for (;;) {
      const int error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(bytes));
      if (error == 0) return absl::OkStatus();
      if (error != EINTR) return ErrnoStatus(error, "reserve", path_);
    }
  }

  void Wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t timeout_us) override {
    if (timeout_us <= 0) return;
    const timespec timeout{timeout_us / 1'000'000, timeout_us % 1'000'000 * 1000};
    Futex(word, FUTEX_WAIT, expected, &timeout);
  }
  void Wake(const std::atomic<uint32_t>& word) override { Futex(word, FUTEX_WAKE, INT_MAX); }

 private:
  const UniqueFd fd_;
  const std::string path_;
  uint8_t* const data_;
  const uint64_t size_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SharedMemory>> MapSharedFile(UniqueFd fd, const std::string& path,
                                                            uint64_t bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) {
    if (errno == ENODEV)
      return absl::FailedPreconditionError(path + ": no shared mappings on this file system");
    return ErrnoStatus(errno, "map", path);
  }
  return std::make_unique<MappedFile>(std::move(fd), path, static_cast<uint8_t*>(data), bytes);
}

}  // namespace strata::io
