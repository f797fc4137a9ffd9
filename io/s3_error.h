#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "io/http_client.h"

// What an answer of S3 that is no success means:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
namespace strata::io {

enum class S3Verdict {
  kFinal,    // success, or an error that another attempt would meet again
  kRetry,    // may pass
  kNewKeys,  // the keys have expired
};

struct S3Failure {
  std::string code;  // "NoSuchKey"; empty when the answer says none
  std::string message;
  std::string region;  // that the server wants
};

// From the body, or for answers without one from the status.
S3Failure ParseS3Failure(const HttpResponse& response);

S3Verdict Judge(const HttpResponse& response);

// Seconds that the header Retry-After asks for, in microseconds, at most half a minute; 0: none.
int64_t RetryAfterUs(const HttpResponse& response);

// Never for a success. `what` names operation and object; `now_us`: wall clock. By the table of
// io/object_store.h, and InvalidArgument for what only a change of settings can help: no such
// bucket, another region; Unimplemented for what the server cannot do.
absl::Status StatusOfFailure(const HttpResponse& response, const std::string& what, int64_t now_us);

}  // namespace strata::io
