#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/object_store.h"
#include "io/s3_client.h"

namespace strata::io {

// An object sent in parts, invisible until it is completed:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
// Destroying it without Complete aborts it; when that fails too, or the process dies, the parts
// stay until the bucket's own rules remove them. One thread.
class S3MultipartUpload {
 public:
  // `mark` goes into the object's metadata, see kS3UploadMark.
  static absl::StatusOr<std::unique_ptr<S3MultipartUpload>> Begin(S3Client* client,
                                                                  const std::string& object,
                                                                  const std::string& mark);
  ~S3MultipartUpload();

  // All parts but the last must be of one size, at least 5 MiB. ResourceExhausted beyond 10,000.
  absl::Status SendPart(ByteView bytes);

  absl::Status Complete(IfPresent if_present);

 private:
  S3MultipartUpload(S3Client* client, std::string object, std::string mark, std::string id);
  S3Request RequestFor(const std::string& method) const;
  absl::Status CheckAbsent();
  absl::Status ReadBack(const absl::Status& otherwise);

  S3Client* const client_;
  const std::string object_;
  const std::string mark_;
  const std::string id_;
  std::vector<std::string> tags_;  // of the parts so far
  bool is_over_ = false;           // nothing to abort
};

}  // namespace strata::io
