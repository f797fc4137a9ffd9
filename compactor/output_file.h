#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/file.h"
#include "io/random.h"

namespace strata::compactor {

// A file that appears whole or not at all: written as "<path>.strata-restore-<random>" and renamed.
// Destroyed without Publish, it leaves nothing behind; what a killed process left is removed by the
// next one.
class OutputFile {
 public:
  // AlreadyExists: `path` is there and `replace` is off. FailedPrecondition: "<path>-wal" or
  // "<path>-journal" is there with something in it, or `path` is no regular file.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(io::FileSystem* file_system,
                                                            io::Random* random,
                                                            const std::string& path, bool replace);
  ~OutputFile();

  io::File& file() { return *file_; }

  // Syncs, puts the file in the place of `path`, and syncs the directory.
  absl::Status Publish();

 private:
  OutputFile(io::FileSystem* file_system, std::string path, bool replace)
      : file_system_(file_system), path_(std::move(path)), replace_(replace) {}
  absl::Status CheckPlace();
  absl::Status CheckNothingBeside();
  absl::Status RemoveAbandoned();
  absl::Status CreateTemporary(io::Random* random);

  io::FileSystem* const file_system_;
  const std::string path_;
  const bool replace_;
  std::string temporary_path_;
  io::Ownership ownership_;
  std::unique_ptr<io::File> file_;
};

}  // namespace strata::compactor
