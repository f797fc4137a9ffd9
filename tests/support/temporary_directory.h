#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace strata::support {

// A new directory of its own below `parent` (TMPDIR unless told), removed with all that is in it at
// the end. Ends the program when there cannot be one.
class TemporaryDirectory {
 public:
  // `name` tells whose it is when a test that was killed leaves it behind.
  explicit TemporaryDirectory(const std::string& name, const std::filesystem::path& parent =
                                                           std::filesystem::temp_directory_path())
      : path_(parent / ("strata-" + name + "-XXXXXX")) {
    if (::mkdtemp(path_.data()) != nullptr) return;
    std::perror(path_.c_str());
    std::abort();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace strata::support
