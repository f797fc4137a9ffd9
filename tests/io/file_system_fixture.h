#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "io/posix_file_system.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/temporary_directory.h"

namespace strata::io {

// A file system with an empty directory, the real one or the simulated one.
class FileSystemUnderTest {
 public:
  virtual ~FileSystemUnderTest() = default;
  virtual FileSystem& file_system() = 0;
  virtual std::string directory() = 0;
};

class PosixUnderTest : public FileSystemUnderTest {
 public:
  FileSystem& file_system() override { return PosixFileSystem(); }
  std::string directory() override { return directory_.path(); }

 private:
  const support::TemporaryDirectory directory_{"io"};
};

class SimulatedUnderTest : public FileSystemUnderTest {
 public:
  SimulatedUnderTest() { disk_.CreateDirectory("/data").IgnoreError(); }

  FileSystem& file_system() override { return disk_; }
  std::string directory() override { return "/data"; }

 private:
  support::SimulatedDisk disk_;
};

enum class Kind { kPosix, kSimulated };

inline std::unique_ptr<FileSystemUnderTest> MakeUnderTest(Kind kind) {
  if (kind == Kind::kPosix) return std::make_unique<PosixUnderTest>();
  return std::make_unique<SimulatedUnderTest>();
}

inline std::string KindName(const testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kPosix ? "Posix" : "Simulated";
}

// A suite that both file systems must pass.
class BothFileSystems : public testing::TestWithParam<Kind> {
 protected:
  FileSystem& fs() { return under_test_->file_system(); }
  std::string Path(const std::string& name) { return under_test_->directory() + "/" + name; }
  std::string directory() { return under_test_->directory(); }

 private:
  std::unique_ptr<FileSystemUnderTest> under_test_ = MakeUnderTest(GetParam());
};

}  // namespace strata::io
