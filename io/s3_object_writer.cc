#include "io/s3_object_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/checksum.h"
#include "io/s3_read_back.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr size_t kSmall = 1 << 20;

std::string NewMark(Random* random) {
  return absl::StrCat(absl::Hex(random->Next64(), absl::kZeroPad16),
                      absl::Hex(random->Next64(), absl::kZeroPad16));
}

}  // namespace

S3ObjectWriter::S3ObjectWriter(S3Client* client, Random* random, std::string object,
                               IfPresent if_present)
    : client_(client),
      object_(std::move(object)),
      if_present_(if_present),
      mark_(NewMark(random)) {}

absl::Status S3ObjectWriter::Ended() const {
  return absl::FailedPreconditionError(
      absl::StrCat("s3://", client_->location().bucket, "/", object_, ": upload has ended"));
}

absl::Status S3ObjectWriter::Append(ByteView bytes) {
  if (ended_) return Ended();
  while (!bytes.empty()) {
    if (buffer_.size() == kS3PartBytes) {
      const absl::Status sent = SendPart();
      ended_ = !sent.ok();
      STRATA_RETURN_IF_ERROR(sent);
    }
    const size_t now = std::min(bytes.size(), kS3PartBytes - buffer_.size());
    // Beyond a small object growing by doubling would copy much and take up to twice the memory.
    if (buffer_.size() + now > kSmall) buffer_.reserve(kS3PartBytes);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + now);
    bytes.remove_prefix(now);
  }
  return absl::OkStatus();
}

absl::Status S3ObjectWriter::SendPart() {
  if (upload_ == nullptr) {
    STRATA_ASSIGN_OR_RETURN(upload_, S3MultipartUpload::Begin(client_, object_, mark_));
  }
  crc32c_ = Crc32c(crc32c_, buffer_);
  STRATA_RETURN_IF_ERROR(upload_->SendPart(buffer_));
  sent_ += buffer_.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status S3ObjectWriter::Commit(uint32_t crc32c) {
  if (ended_) return Ended();
  ended_ = true;
  const uint32_t found = Crc32c(crc32c_, buffer_);
  if (crc32c != found) {
    return absl::DataLossError(absl::StrCat("s3://", client_->location().bucket, "/", object_,
                                            ": checksum over ", sent_ + buffer_.size(),
                                            " bytes: expected ", absl::Hex(crc32c, absl::kZeroPad8),
                                            ", found ", absl::Hex(found, absl::kZeroPad8)));
  }
  if (upload_ == nullptr) return SendWhole();
  STRATA_RETURN_IF_ERROR(SendPart());
  return upload_->Complete(if_present_);
}

absl::Status S3ObjectWriter::SendWhole() {
  S3Request request;
  request.kind = RequestKind::kPut;
  request.method = "PUT";
  request.object = object_;
  request.headers = {{kS3UploadMark, mark_}};
  if (if_present_ == IfPresent::kFail) request.headers.push_back({"If-None-Match", "*"});
  request.body = buffer_;
  STRATA_ASSIGN_OR_RETURN(const HttpResponse response, client_->Send(request));
  // Perhaps found what an earlier attempt of this very request made: libcurl too sends again when a
  // kept connection breaks.
  if (response.status == 412) return ResolveConflict(client_, object_, mark_, buffer_);
  return client_->StatusOf(request, response);
}

}  // namespace strata::io
