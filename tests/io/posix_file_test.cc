// What only real files have: links, devices, umask, the process table.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "io/posix_file_system.h"
#include "tests/io/file_system_fixture.h"
#include "tests/support/disk_helpers.h"

namespace strata::io {
namespace {

class PosixFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) { return under_test_.directory() + "/" + name; }
  FileSystem& fs_ = PosixFileSystem();

 private:
  PosixUnderTest under_test_;
};

TEST_F(PosixFileTest, NoLinkIsFollowedWhereNoneIsWanted) {
  ASSERT_TRUE(fs_.Open(Path("target"), OpenMode::kCreate).ok());
  std::filesystem::create_symlink(Path("target"), Path("link"));
  std::filesystem::create_symlink(Path("nowhere"), Path("dangling"));
  EXPECT_TRUE(fs_.Open(Path("link"), OpenMode::kReadOnly).ok());
  EXPECT_TRUE(
      absl::IsPermissionDenied(fs_.Open(Path("link"), OpenMode::kReadOnlyNoFollow).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(fs_.Open(Path("link"), OpenMode::kCreateOrOpen).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(fs_.Open(Path("dangling"), OpenMode::kCreate).status()));
  EXPECT_FALSE(std::filesystem::exists(Path("nowhere")));
  EXPECT_EQ(fs_.Stat(Path("link"))->kind, FileKind::kOther);
}

TEST_F(PosixFileTest, ModeIsExactUnderAnyUmask) {
  const mode_t old = ::umask(0077);
  ASSERT_TRUE(fs_.Open(Path("f"), OpenMode::kCreateOrOpen, {.mode = 0646}).ok());
  ASSERT_TRUE(fs_.CreateDirectory(Path("d"), {.mode = 0644}).ok());
  ::umask(old);
  EXPECT_EQ(fs_.Stat(Path("f"))->mode, 0646u);
  EXPECT_EQ(fs_.Stat(Path("d"))->mode, 0755u);
}

TEST_F(PosixFileTest, OpeningAnExistingFileKeepsItsMode) {
  ASSERT_TRUE(fs_.Open(Path("f"), OpenMode::kCreate, {.mode = 0600}).ok());
  ASSERT_TRUE(fs_.Open(Path("f"), OpenMode::kCreateOrOpen, {.mode = 0666}).ok());
  EXPECT_EQ(fs_.Stat(Path("f"))->mode, 0600u);
}

TEST_F(PosixFileTest, NewFileGetsTheOwnerAskedFor) {
  const Ownership ownership = {
      .mode = 0600, .set_owner = true, .uid = ::getuid(), .gid = ::getgid()};
  ASSERT_TRUE(fs_.Open(Path("f"), OpenMode::kCreate, ownership).ok());
  EXPECT_EQ(fs_.Stat(Path("f"))->uid, ::getuid());
  EXPECT_EQ(fs_.Stat(Path("f"))->gid, ::getgid());
}

TEST_F(PosixFileTest, AnOwnerThatMayNotBeSetIsIgnored) {
  const uint32_t other = ::getuid() == 0 ? 12345 : 0;
  const Ownership ownership = {.mode = 0600, .set_owner = true, .uid = other, .gid = other};
  ASSERT_TRUE(fs_.Open(Path("f"), OpenMode::kCreate, ownership).ok());
  EXPECT_EQ(fs_.Stat(Path("f"))->uid, ::getuid() == 0 ? other : ::getuid());
}

TEST_F(PosixFileTest, AFifoIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(fs_.Open(Path("fifo"), OpenMode::kReadOnly).status()));
}

TEST_F(PosixFileTest, DescriptorsAreCloseOnExec) {
  auto file = fs_.Open(Path("f"), OpenMode::kCreate).value();
  bool found = false;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry.path(), error) != Path("f")) continue;
    found = true;
    EXPECT_NE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_TRUE(found);
}

TEST_F(PosixFileTest, ALengthTheFileSystemCannotHoldIsAnError) {
  auto file = fs_.Open(Path("f"), OpenMode::kCreate).value();
  EXPECT_FALSE(file->Truncate(uint64_t{1} << 62).ok());
  EXPECT_EQ(file->Size().value(), 0u);
}

}  // namespace
}  // namespace strata::io
