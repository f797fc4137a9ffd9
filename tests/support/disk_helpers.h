#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/file.h"

// Short ways through io::FileSystem for tests.
namespace strata::support {

inline std::vector<uint8_t> Bytes(size_t count, uint8_t value) {
  return std::vector<uint8_t>(count, value);
}

// All bytes of a file; "<none>" in bytes when it cannot be opened, so that an expectation fails
// readably.
inline std::vector<uint8_t> ReadAll(io::FileSystem& file_system, const std::string& path) {
  absl::StatusOr<std::unique_ptr<io::File>> file = file_system.Open(path, io::OpenMode::kReadOnly);
  if (!file.ok()) return {'<', 'n', 'o', 'n', 'e', '>'};
  std::vector<uint8_t> bytes((*file)->Size().value_or(0));
  bytes.resize((*file)->ReadAt(0, absl::MakeSpan(bytes)).value_or(0));
  return bytes;
}

inline bool Exists(io::FileSystem& file_system, const std::string& path) {
  return file_system.Stat(path).ok();
}

// Creates a file whose name and bytes are durable.
inline absl::StatusOr<std::unique_ptr<io::File>> DurableFile(io::FileSystem& file_system,
                                                             const std::string& path,
                                                             const std::vector<uint8_t>& bytes) {
  auto file = file_system.Open(path, io::OpenMode::kCreate);
  if (!file.ok()) return file;
  absl::Status status = (*file)->Write(0, bytes);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = file_system.SyncDirectory(io::DirectoryOf(path));
  if (!status.ok()) return status;
  return file;
}

}  // namespace strata::support
