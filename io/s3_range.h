#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/s3_client.h"

// Reading parts of objects: https://www.rfc-editor.org/rfc/rfc9110#section-14
namespace strata::io {

struct S3Part {
  std::vector<uint8_t> bytes;
  uint64_t object_size = 0;
  std::string upload_mark;  // what kS3UploadMark of the object says; empty: nothing
};

constexpr char kS3UploadMark[] = "x-amz-meta-strata-upload";

// [offset, offset + length) as far as the object goes; `length` > 0.
absl::StatusOr<S3Part> ReadS3Range(S3Client* client, const std::string& object, uint64_t offset,
                                   uint64_t length);

// The last `length` > 0 bytes.
absl::StatusOr<S3Part> ReadS3Tail(S3Client* client, const std::string& object, uint64_t length);

// All of an object of at most `most` bytes. Unlike the others it finds the mark of an empty one.
absl::StatusOr<S3Part> ReadS3Whole(S3Client* client, const std::string& object, uint64_t most);

}  // namespace strata::io
