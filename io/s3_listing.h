#pragma once

#include <string>
#include <vector>

#include "io/object_store.h"
#include "io/s3_client.h"

namespace strata::io {

// ObjectStore::List by ListObjectsV2, as many pages as it takes:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
// Objects whose names are no keys are passed over. DataLoss when the server's answers contradict
// themselves.
absl::StatusOr<std::vector<ObjectInfo>> ListS3Keys(S3Client* client, const std::string& prefix,
                                                   const std::string& after, size_t limit);

}  // namespace strata::io
