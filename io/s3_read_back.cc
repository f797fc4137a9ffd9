#include "io/s3_read_back.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::io {

absl::StatusOr<bool> IsFromUpload(S3Client* client, const std::string& object,
                                  const std::string& mark, const ByteView* content) {
  STRATA_ASSIGN_OR_RETURN(const S3Part last, ReadS3Tail(client, object, 1));
  if (!last.upload_mark.empty()) return last.upload_mark == mark;
  if (content == nullptr || last.object_size != content->size()) return false;
  STRATA_ASSIGN_OR_RETURN(const S3Part all, ReadS3Whole(client, object, content->size()));
  if (!all.upload_mark.empty()) return all.upload_mark == mark;
  return ByteView(all.bytes) == *content;
}

absl::Status ResolveConflict(S3Client* client, const std::string& object, const std::string& mark,
                             ByteView content) {
  const absl::StatusOr<bool> ours = IsFromUpload(client, object, mark, &content);
  if (absl::IsNotFound(ours.status())) return ExistsAlready(*client, object);  // then, not now
  STRATA_RETURN_IF_ERROR(ours.status());
  return *ours ? absl::OkStatus() : ExistsAlready(*client, object);
}

absl::Status ExistsAlready(const S3Client& client, const std::string& object) {
  return absl::FailedPreconditionError(
      absl::StrCat("s3://", client.location().bucket, "/", object, ": the object exists already"));
}

}  // namespace strata::io
