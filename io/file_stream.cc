#include "io/file_stream.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/status_macros.h"

namespace strata::io {

FileSink::FileSink(File* file, uint64_t offset, size_t buffer_bytes)
    : file_(file), buffer_bytes_(buffer_bytes), written_to_(offset) {}

absl::Status FileSink::Append(ByteView bytes) {
  crc32c_ = Crc32c(crc32c_, bytes);
  if (buffer_.size() + bytes.size() <= buffer_bytes_) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return absl::OkStatus();
  }
  STRATA_RETURN_IF_ERROR(file_->WriteAt(written_to_, {ByteView(buffer_), bytes}));
  written_to_ += buffer_.size() + bytes.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status FileSink::Flush() {
  if (buffer_.empty()) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(file_->Write(written_to_, buffer_));
  written_to_ += buffer_.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(FileSystem& file_system,
                                                             const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<File> file, file_system.Open(path, OpenMode::kReadOnly));
  return Over(std::move(file));
}

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Over(std::shared_ptr<File> file) {
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  return absl::WrapUnique(new FileSource(std::move(file), size));
}

absl::Status FileSource::ReadAt(uint64_t offset, MutableBytes out) {
  if (offset > size_ || out.size() > size_ - offset) {
    return absl::OutOfRangeError(absl::StrCat(name(), ": read of ", out.size(), " bytes at ",
                                              offset, " beyond the size of ", size_));
  }
  STRATA_ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(offset, out));
  if (got == out.size()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(name(), ": read at ", offset, ": expected ", out.size(), " bytes, found ", got));
}

}  // namespace strata::io
