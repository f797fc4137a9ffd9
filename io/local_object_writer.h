#pragma once

#include <memory>
#include <string>

#include "io/file.h"
#include "io/file_stream.h"
#include "io/object_store.h"

namespace strata::io {

// One upload of LocalObjectStore: bytes go to a locked temporary file, which Commit renames.
class LocalObjectWriter : public ObjectWriter {
 public:
  LocalObjectWriter(FileSystem* file_system, std::unique_ptr<File> temporary,
                    std::string final_path, IfPresent if_present, RequestCounters* counters);
  ~LocalObjectWriter() override;

  absl::Status Append(ByteView bytes) override;
  absl::Status Commit(uint32_t crc32c) override;

 private:
  absl::Status Publish();

  FileSystem* const file_system_;
  const std::unique_ptr<File> temporary_;
  const std::string final_path_;
  const IfPresent if_present_;
  RequestCounters* const counters_;
  FileSink sink_;
  bool ended_ = false;    // Commit was called, or an Append failed
  bool renamed_ = false;  // nothing is left to remove
};

}  // namespace strata::io
