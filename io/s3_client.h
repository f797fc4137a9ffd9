#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "io/aws_credentials.h"
#include "io/backoff.h"
#include "io/crypto_library.h"
#include "io/http_client.h"
#include "io/s3_url.h"

namespace strata::io {

struct S3Request {
  RequestKind kind = RequestKind::kGet;
  std::string method;
  std::string object;  // name in the bucket; empty: the bucket itself
  QueryParameters query;
  std::vector<HttpHeader> headers;
  ByteView body;
  uint64_t max_reply_bytes = 1 << 20;
  bool may_take_long = false;  // the server works for minutes before it answers

  // Looks at an answer that says success; what it calls Unavailable is tried again.
  std::function<absl::Status(const HttpResponse&)> check;
};

// The machinery that a client runs on; all outlive it.
struct S3Machinery {
  HttpClient* http = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  Sleeper* sleeper = nullptr;
  RequestCounters* counters = nullptr;
  RetryLimits retry;
};

// Signed requests to one bucket, repeated until there is an answer that counts or time is over.
// Safe to call from any thread.
class S3Client {
 public:
  // `settings` outlives the client.
  S3Client(const AwsSettings& settings, S3Location location, const CryptoLibrary& crypto,
           AwsCredentialsCache* credentials, const S3Machinery& machinery);

  // Any answer but those that were worth another attempt, so also 404, 412 and the like; an answer
  // of 2xx has passed `check`. A request may have reached the server more than once.
  absl::StatusOr<HttpResponse> Send(const S3Request& request);

  // The error that an answer is; OK for 2xx.
  absl::Status StatusOf(const S3Request& request, const HttpResponse& response) const;

  // Send, and then StatusOf.
  absl::StatusOr<HttpResponse> SendForSuccess(const S3Request& request);

  void GiveUpAt(int64_t monotonic_us);

  const S3Location& location() const { return location_; }

 private:
  struct Attempt {
    absl::StatusOr<HttpResponse> result;
    bool again = false;
    int64_t wait_us = 0;  // at least
    bool wants_new_keys = false;
  };

  Attempt Try(const S3Request& request, const std::string& payload_hash);
  Attempt Weigh(const S3Request& request, const AwsCredentials& used, HttpResponse response);
  HttpRequest Signed(const S3Request& request, const std::string& payload_hash,
                     const AwsCredentials& credentials) const;
  std::string What(const S3Request& request) const;

  const AwsSettings& settings_;
  const S3Location location_;
  const CryptoLibrary& crypto_;
  AwsCredentialsCache* const credentials_;
  const S3Machinery machinery_;
  std::string host_;  // of requests
  std::string path_;  // before the object's name, with a slash at its end
  std::atomic<int64_t> give_up_at_us_;
};

}  // namespace strata::io
