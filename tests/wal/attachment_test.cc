#include "wal/attachment.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "tests/support/simulated_disk.h"

namespace strata::wal {
namespace {

constexpr char kDirectory[] = "/app.db-wal";
constexpr io::LockRange kOpen{kOpenByte, 1};

// Behind the first open of the lock file somebody unlinks it and somebody else makes a new one,
// which he holds while he comes: until it has been opened twice more.
class ReplacedLock : public support::SimulatedDisk {
 public:
  absl::StatusOr<std::unique_ptr<io::File>> Open(const std::string& path, io::OpenMode mode,
                                                 const io::Ownership& ownership) override {
    auto opened = SimulatedDisk::Open(path, mode, ownership);
    if (!absl::EndsWith(path, kLockName)) return opened;
    ++opens_;
    if (opens_ == 1) {
      EXPECT_TRUE(Unlink(path).ok());
      other_ = *SimulatedDisk::Open(path, io::OpenMode::kCreateOrOpen, ownership);
      EXPECT_TRUE(*other_->TryLockRange(kOpen, io::LockKind::kExclusive));
    } else if (opens_ == 3) {
      EXPECT_TRUE(other_->UnlockRange(kOpen).ok());
    }
    return opened;
  }

  io::File& other() { return *other_; }

 private:
  int opens_ = 0;
  std::unique_ptr<io::File> other_;
};

TEST(AttachmentTest, AFileThatLostItsNameIsNotTheLockAlthoughTheNewOneIsHeld) {
  ReplacedLock disk;
  auto attachment = Attachment::Attach(&disk, kDirectory, Attachment::Access::kReadWrite, {});
  ASSERT_TRUE(attachment.ok()) << attachment.status();
  EXPECT_TRUE((*attachment)->Settle().ok());
  const auto there = disk.other().IsLockedByOthers({kProcessByte, 1});
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_TRUE(*there) << "its byte is held in the file that the name leads to";
}

}  // namespace
}  // namespace strata::wal
