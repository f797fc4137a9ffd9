#include "io/s3_error.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "io/xml.h"

namespace strata::io {
namespace {

constexpr size_t kLongestMessage = 200;
constexpr int64_t kLongestRetryAfterS = 30;

bool IsOneOf(absl::string_view code, std::initializer_list<absl::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string Printable(absl::string_view text) {
  std::string out(text.substr(0, kLongestMessage));
  for (char& c : out) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = ' ';
  }
  return out;
}

std::string Skew(const HttpResponse& response, int64_t now_us) {
  absl::Time server;
  std::string error;
  const bool known = absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", response.Header("date"),
                                     absl::UTCTimeZone(), &server, &error);
  const absl::Time ours = absl::FromUnixMicros(now_us);
  std::string text =
      absl::StrCat("this machine's clock is wrong: it says ",
                   absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", ours, absl::UTCTimeZone()));
  if (known) {
    absl::StrAppend(&text, ", the server ",
                    absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", server, absl::UTCTimeZone()));
  }
  return text;
}

// What an operator can do about it.
std::string Advice(const S3Failure& failure, const HttpResponse& response, int64_t now_us) {
  if (failure.code == "RequestTimeTooSkewed") return Skew(response, now_us);
  if (failure.code == "SignatureDoesNotMatch") return "the secret access key is wrong";
  if (failure.code == "InvalidAccessKeyId") return "the server does not know the access key";
  if (!failure.region.empty()) {
    return absl::StrCat("the bucket is in region ", failure.region, ": set AWS_REGION");
  }
  return "";
}

absl::StatusCode CodeOf(const HttpResponse& response, const S3Failure& failure) {
  if (failure.code == "NoSuchBucket" || !failure.region.empty()) {
    return absl::StatusCode::kInvalidArgument;
  }
  switch (response.status) {
    case 401:
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 412:
      return absl::StatusCode::kFailedPrecondition;
    case 416:
      return absl::StatusCode::kOutOfRange;
    case 501:
      return absl::StatusCode::kUnimplemented;
    default:
      break;
  }
  if (Judge(response) == S3Verdict::kRetry) return absl::StatusCode::kUnavailable;
  if (Judge(response) == S3Verdict::kNewKeys) return absl::StatusCode::kPermissionDenied;
  return response.status < 500 ? absl::StatusCode::kInvalidArgument
                               : absl::StatusCode::kUnavailable;
}

}  // namespace

S3Failure ParseS3Failure(const HttpResponse& response) {
  S3Failure failure;
  const absl::StatusOr<XmlElement> xml = ParseXml(response.text());
  if (xml.ok() && xml->name == "Error") {
    failure.code = Printable(xml->ChildText("Code"));
    failure.message = Printable(xml->ChildText("Message"));
    failure.region = Printable(xml->ChildText("Region"));
  }
  const bool elsewhere = response.status == 301 || response.status == 307 ||
                         failure.code == "AuthorizationHeaderMalformed";
  if (!elsewhere) failure.region.clear();
  if (elsewhere && failure.region.empty()) {
    failure.region = Printable(response.Header("x-amz-bucket-region"));
  }
  return failure;
}

S3Verdict Judge(const HttpResponse& response) {
  if (response.status < 300) return S3Verdict::kFinal;
  if (response.status >= 500 && response.status != 501) return S3Verdict::kRetry;
  if (response.status == 408 || response.status == 429) return S3Verdict::kRetry;
  const S3Failure failure = ParseS3Failure(response);
  if (IsOneOf(failure.code, {"ExpiredToken", "TokenRefreshRequired", "InvalidToken"})) {
    return S3Verdict::kNewKeys;
  }
  // Bodies that changed on the way, and servers that ask for another try with a status of 4xx.
  if (IsOneOf(failure.code,
              {"RequestTimeout", "XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody",
               "OperationAborted", "ConditionalRequestConflict", "SlowDown", "Throttling"})) {
    return S3Verdict::kRetry;
  }
  return S3Verdict::kFinal;
}

int64_t RetryAfterUs(const HttpResponse& response) {
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(response.Header("retry-after"), &seconds)) return 0;
  return std::clamp<int64_t>(seconds, 0, kLongestRetryAfterS) * 1'000'000;
}

absl::Status StatusOfFailure(const HttpResponse& response, const std::string& what,
                             int64_t now_us) {
  const S3Failure failure = ParseS3Failure(response);
  std::string message = absl::StrCat(what, ": HTTP status ", response.status);
  if (!failure.code.empty()) absl::StrAppend(&message, " ", failure.code);
  const std::string advice = Advice(failure, response, now_us);
  if (!advice.empty()) {
    absl::StrAppend(&message, ": ", advice);
  } else if (!failure.message.empty()) {
    absl::StrAppend(&message, ": ", failure.message);
  }
  return absl::Status(CodeOf(response, failure), message);
}

}  // namespace strata::io
