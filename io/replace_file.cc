#include "io/replace_file.h"

#include "io/status_macros.h"

namespace strata::io {

absl::Status ReplaceFile(FileSystem& files, const std::string& path, ByteView bytes,
                         const Ownership& ownership) {
  const std::string temporary = path + ".tmp";
  // Never a file that is there: a sync of it may have failed, and its blocks would not become
  // durable any more.
  const absl::Status removed = files.Unlink(temporary);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  {
    STRATA_ASSIGN_OR_RETURN(auto file, files.Open(temporary, OpenMode::kCreate, ownership));
    STRATA_RETURN_IF_ERROR(file->Write(0, bytes));
    STRATA_RETURN_IF_ERROR(file->Sync());
  }
  STRATA_RETURN_IF_ERROR(files.Rename(temporary, path));
  return files.SyncDirectory(DirectoryOf(path));
}

}  // namespace strata::io
