#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "io/byte_stream.h"
#include "io/file.h"

namespace strata::io {

// Writes to a file from an offset on. With a buffer, bytes are in the file only after Flush (errors
// of which the destructor could not tell, so it does not flush). The file must outlive the sink.
class FileSink : public ByteSink {
 public:
  explicit FileSink(File* file, uint64_t offset = 0, size_t buffer_bytes = 0);

  absl::Status Append(ByteView bytes) override;
  absl::Status Flush();

  // Where the next byte goes, buffered ones counted.
  uint64_t offset() const { return written_to_ + buffer_.size(); }

  // Of all bytes appended through this sink.
  uint32_t crc32c() const { return crc32c_; }

 private:
  File* const file_;
  const size_t buffer_bytes_;
  uint64_t written_to_;
  uint32_t crc32c_ = 0;
  std::vector<uint8_t> buffer_;
};

// Serves a file whose size no longer changes.
class FileSource : public ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(FileSystem& file_system,
                                                          const std::string& path);
  static absl::StatusOr<std::unique_ptr<FileSource>> Over(std::shared_ptr<File> file);

  uint64_t size() const override { return size_; }
  absl::Status ReadAt(uint64_t offset, MutableBytes out) override;
  const std::string& name() const override { return file_->path(); }

 private:
  FileSource(std::shared_ptr<File> file, uint64_t size) : file_(std::move(file)), size_(size) {}

  const std::shared_ptr<File> file_;
  const uint64_t size_;
};

}  // namespace strata::io
