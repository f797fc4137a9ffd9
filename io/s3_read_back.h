#pragma once

#include <string>

#include "io/s3_client.h"
#include "io/s3_range.h"

namespace strata::io {

// Whether the object that is there was made by the upload with this mark. `content`: all of it, to
// compare with when the server kept no mark; null when it is not at hand, and then an object
// without mark is another one. NotFound when there is no object.
absl::StatusOr<bool> IsFromUpload(S3Client* client, const std::string& object,
                                  const std::string& mark, const ByteView* content);

// After a put-if-absent that found an object: OK when that is the caller's own, FailedPrecondition
// when it is another's.
absl::Status ResolveConflict(S3Client* client, const std::string& object, const std::string& mark,
                             ByteView content);

absl::Status ExistsAlready(const S3Client& client, const std::string& object);

}  // namespace strata::io
