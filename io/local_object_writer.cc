#include "io/local_object_writer.h"

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

}  // namespace

LocalObjectWriter::LocalObjectWriter(FileSystem* file_system, std::unique_ptr<File> temporary,
                                     std::string final_path, IfPresent if_present,
                                     RequestCounters* counters)
    : file_system_(file_system),
      temporary_(std::move(temporary)),
      final_path_(std::move(final_path)),
      if_present_(if_present),
      counters_(counters),
      sink_(temporary_.get(), 0, kBufferBytes) {}

LocalObjectWriter::~LocalObjectWriter() {
  // Failing costs only space, until the leftovers are removed.
  if (!renamed_) file_system_->Unlink(temporary_->path()).IgnoreError();
}

absl::Status LocalObjectWriter::Append(ByteView bytes) {
  if (ended_) return absl::FailedPreconditionError(absl::StrCat(final_path_, ": upload has ended"));
  counters_->CountSent(bytes.size());
  absl::Status status = sink_.Append(bytes);
  ended_ = !status.ok();
  return status;
}

absl::Status LocalObjectWriter::Commit(uint32_t crc32c) {
  if (ended_) return absl::FailedPreconditionError(absl::StrCat(final_path_, ": upload has ended"));
  ended_ = true;
  if (crc32c != sink_.crc32c()) {
    return absl::DataLossError(absl::StrCat(final_path_, ": checksum over ", sink_.offset(),
                                            " bytes: expected ", absl::Hex(crc32c, absl::kZeroPad8),
                                            ", found ",
                                            absl::Hex(sink_.crc32c(), absl::kZeroPad8)));
  }
  STRATA_RETURN_IF_ERROR(sink_.Flush());
  STRATA_RETURN_IF_ERROR(temporary_->Sync());
  return Publish();
}

absl::Status LocalObjectWriter::Publish() {
  const std::string directory = DirectoryOf(final_path_);
  if (if_present_ == IfPresent::kReplace) {
    STRATA_RETURN_IF_ERROR(file_system_->Rename(temporary_->path(), final_path_));
  } else {
    const absl::Status renamed = file_system_->RenameIfAbsent(temporary_->path(), final_path_);
    if (absl::IsAlreadyExists(renamed)) {
      // Whoever learns that the object is there may rely on it: make sure that it stays.
      STRATA_RETURN_IF_ERROR(file_system_->SyncDirectory(directory));
      return absl::FailedPreconditionError(
          absl::StrCat(final_path_, ": the object exists already"));
    }
    STRATA_RETURN_IF_ERROR(renamed);
  }
  renamed_ = true;
  return file_system_->SyncDirectory(directory);
}

}  // namespace strata::io
