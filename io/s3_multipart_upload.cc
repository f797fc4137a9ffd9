#include "io/s3_multipart_upload.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "io/s3_range.h"
#include "io/s3_read_back.h"
#include "io/status_macros.h"
#include "io/xml.h"

namespace strata::io {
namespace {

constexpr size_t kMostParts = 10'000;

// The answer to a completion begins before it is known how it will end.
absl::Status CheckCompleted(const HttpResponse& response) {
  const absl::StatusOr<XmlElement> xml = ParseXml(response.text());
  if (xml.ok() && xml->name != "Error") return absl::OkStatus();
  return absl::UnavailableError(
      xml.ok() ? absl::StrCat("completing the upload: ", xml->ChildText("Code"))
               : "completing the upload: an answer that is not whole");
}

}  // namespace

absl::StatusOr<std::unique_ptr<S3MultipartUpload>> S3MultipartUpload::Begin(
    S3Client* client, const std::string& object, const std::string& mark) {
  S3Request request;
  request.kind = RequestKind::kMultipart;
  request.method = "POST";
  request.object = object;
  request.query = {{"uploads", ""}};
  request.headers = {{kS3UploadMark, mark}};
  request.check = [](const HttpResponse& response) {
    const absl::StatusOr<XmlElement> xml = ParseXml(response.text());
    const bool has_id = xml.ok() && !xml->ChildText("UploadId").empty();
    return has_id ? absl::OkStatus() : absl::UnavailableError("an upload without its id");
  };
  STRATA_ASSIGN_OR_RETURN(const HttpResponse response, client->SendForSuccess(request));
  STRATA_ASSIGN_OR_RETURN(const XmlElement xml, ParseXml(response.text()));
  return absl::WrapUnique(
      new S3MultipartUpload(client, object, mark, std::string(xml.ChildText("UploadId"))));
}

S3MultipartUpload::S3MultipartUpload(S3Client* client, std::string object, std::string mark,
                                     std::string id)
    : client_(client), object_(std::move(object)), mark_(std::move(mark)), id_(std::move(id)) {}

S3MultipartUpload::~S3MultipartUpload() {
  if (is_over_) return;
  client_->Send(RequestFor("DELETE")).IgnoreError();
}

S3Request S3MultipartUpload::RequestFor(const std::string& method) const {
  S3Request request;
  request.kind = RequestKind::kMultipart;
  request.method = method;
  request.object = object_;
  request.query = {{"uploadId", id_}};
  return request;
}

absl::Status S3MultipartUpload::SendPart(ByteView bytes) {
  if (tags_.size() == kMostParts) {
    return absl::ResourceExhaustedError(absl::StrCat("s3://", client_->location().bucket, "/",
                                                     object_, ": more than ", kMostParts,
                                                     " parts of ", bytes.size(), " bytes"));
  }
  S3Request request = RequestFor("PUT");
  request.kind = RequestKind::kPut;
  request.query.emplace_back("partNumber", absl::StrCat(tags_.size() + 1));
  request.body = bytes;
  request.check = [](const HttpResponse& response) {
    return response.Header("etag").empty() ? absl::UnavailableError("a part without ETag")
                                           : absl::OkStatus();
  };
  STRATA_ASSIGN_OR_RETURN(const HttpResponse response, client_->SendForSuccess(request));
  tags_.emplace_back(response.Header("etag"));
  return absl::OkStatus();
}

absl::Status S3MultipartUpload::Complete(IfPresent if_present) {
  if (if_present == IfPresent::kFail) STRATA_RETURN_IF_ERROR(CheckAbsent());
  std::string body = "<CompleteMultipartUpload>";
  for (size_t i = 0; i < tags_.size(); ++i) {
    absl::StrAppend(&body, "<Part><PartNumber>", i + 1, "</PartNumber><ETag>", XmlEscaped(tags_[i]),
                    "</ETag></Part>");
  }
  absl::StrAppend(&body, "</CompleteMultipartUpload>");
  S3Request request = RequestFor("POST");
  request.headers = {{"Content-Type", "application/xml"}};
  if (if_present == IfPresent::kFail) request.headers.push_back({"If-None-Match", "*"});
  request.body = ByteView(reinterpret_cast<const uint8_t*>(body.data()), body.size());
  request.may_take_long = true;
  request.check = CheckCompleted;
  STRATA_ASSIGN_OR_RETURN(const HttpResponse response, client_->Send(request));
  if (response.status == 412) return ReadBack(ExistsAlready(*client_, object_));
  const absl::Status status = client_->StatusOf(request, response);
  if (absl::IsNotFound(status)) return ReadBack(status);  // completed before, or aborted
  is_over_ = status.ok();
  return status;
}

// Servers that do not heed If-None-Match here get as near to it as can be.
absl::Status S3MultipartUpload::CheckAbsent() {
  const absl::Status found = ReadS3Tail(client_, object_, 1).status();
  if (found.ok()) return ExistsAlready(*client_, object_);
  return absl::IsNotFound(found) ? absl::OkStatus() : found;
}

// OK when the object is there by this very upload, whose answer was lost.
absl::Status S3MultipartUpload::ReadBack(const absl::Status& otherwise) {
  const absl::StatusOr<bool> ours = IsFromUpload(client_, object_, mark_, nullptr);
  if (absl::IsNotFound(ours.status())) return otherwise;
  STRATA_RETURN_IF_ERROR(ours.status());
  is_over_ = *ours;
  return *ours ? absl::OkStatus() : otherwise;
}

}  // namespace strata::io
