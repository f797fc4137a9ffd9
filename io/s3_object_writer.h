#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "io/random.h"
#include "io/s3_client.h"
#include "io/s3_multipart_upload.h"

namespace strata::io {

constexpr size_t kS3PartBytes = 32 << 20;

// ObjectWriter of S3ObjectStore: see there.
class S3ObjectWriter : public ObjectWriter {
 public:
  S3ObjectWriter(S3Client* client, Random* random, std::string object, IfPresent if_present);

  absl::Status Append(ByteView bytes) override;
  absl::Status Commit(uint32_t crc32c) override;

 private:
  absl::Status SendPart();
  absl::Status SendWhole();
  absl::Status Ended() const;

  S3Client* const client_;
  const std::string object_;
  const IfPresent if_present_;
  const std::string mark_;
  std::vector<uint8_t> buffer_;  // not sent yet
  uint32_t crc32c_ = 0;          // of everything that was sent, taken from what was sent
  uint64_t sent_ = 0;            // bytes
  std::unique_ptr<S3MultipartUpload> upload_;
  bool ended_ = false;  // Commit was called, or an Append failed
};

}  // namespace strata::io
