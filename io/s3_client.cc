#include "io/s3_client.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/percent_encoding.h"
#include "io/s3_error.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr int64_t kLongAnswerUs = 600'000'000;

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

// Callers of a store know "try again later" by one code.
absl::Status Outward(const absl::Status& status, const Backoff& backoff) {
  const bool passing = MayPass(status) || absl::IsCancelled(status);
  const absl::StatusCode code = passing ? absl::StatusCode::kUnavailable : status.code();
  std::string message(status.message());
  if (backoff.attempts() > 1) {
    absl::StrAppend(&message, " (", backoff.attempts(), " attempts in ",
                    backoff.elapsed_us() / 1000, " ms)");
  }
  return absl::Status(code, message);
}

}  // namespace

S3Client::S3Client(const AwsSettings& settings, S3Location location, const CryptoLibrary& crypto,
                   AwsCredentialsCache* credentials, const S3Machinery& machinery)
    : settings_(settings),
      location_(std::move(location)),
      crypto_(crypto),
      credentials_(credentials),
      machinery_(machinery),
      give_up_at_us_(std::numeric_limits<int64_t>::max()) {
  if (settings.style == AddressingStyle::kVirtualHost) {
    host_ = absl::StrCat(location_.bucket, ".", settings.s3.host);
    path_ = absl::StrCat(settings.s3.path, "/");
  } else {
    host_ = settings.s3.host;
    path_ = absl::StrCat(settings.s3.path, "/", location_.bucket, "/");
  }
}

std::string S3Client::What(const S3Request& request) const {
  return absl::StrCat(request.method, " s3://", location_.bucket, "/", request.object, " at ",
                      settings_.s3.url());
}

HttpRequest S3Client::Signed(const S3Request& request, const std::string& payload_hash,
                             const AwsCredentials& credentials) const {
  const int64_t now_us = machinery_.clock->NowMicros();
  RequestToSign to_sign;
  to_sign.method = request.method;
  to_sign.path = absl::StrCat(path_, request.object);
  to_sign.query = request.query;
  to_sign.payload_hash = payload_hash;
  to_sign.headers = request.headers;
  to_sign.headers.push_back({"Host", host_});
  to_sign.headers.push_back({"x-amz-content-sha256", payload_hash});
  to_sign.headers.push_back({"x-amz-date", AmazonDate(now_us)});
  if (!credentials.session_token.empty()) {
    to_sign.headers.push_back({"x-amz-security-token", credentials.session_token});
  }
  HttpRequest http;
  http.method = request.method;
  http.url = absl::StrCat(settings_.s3.scheme, "://", host_, PercentEncodedPath(to_sign.path));
  if (!request.query.empty()) absl::StrAppend(&http.url, "?", CanonicalQuery(request.query));
  http.headers = to_sign.headers;
  http.headers.push_back({"Authorization", AuthorizationHeader(crypto_, to_sign, credentials,
                                                               {settings_.region, "s3", now_us})});
  http.body = request.body;
  http.max_reply_bytes = request.max_reply_bytes;
  if (request.may_take_long) http.timeout_us = kLongAnswerUs;
  http.cancelled = [this] {
    return machinery_.clock->MonotonicMicros() >= give_up_at_us_.load(std::memory_order_relaxed);
  };
  return http;
}

S3Client::Attempt S3Client::Try(const S3Request& request, const std::string& payload_hash) {
  const absl::StatusOr<AwsCredentials> credentials = credentials_->Get();
  if (!credentials.ok()) return {credentials.status(), MayPass(credentials.status())};
  machinery_.counters->Count(request.kind);
  machinery_.counters->CountSent(request.body.size());
  absl::StatusOr<HttpResponse> response =
      machinery_.http->Perform(Signed(request, payload_hash, *credentials));
  if (!response.ok()) return {response.status(), MayPass(response.status())};
  machinery_.counters->CountReceived(response->body.size());
  return Weigh(request, *credentials, *std::move(response));
}

S3Client::Attempt S3Client::Weigh(const S3Request& request, const AwsCredentials& used,
                                  HttpResponse response) {
  const int64_t wait_us = RetryAfterUs(response);
  switch (Judge(response)) {
    case S3Verdict::kRetry:
      return {StatusOf(request, response), true, wait_us};
    case S3Verdict::kNewKeys:
      credentials_->Expired(used);
      return {StatusOf(request, response), true, wait_us, true};
    case S3Verdict::kFinal:
      break;
  }
  if (response.status < 300 && request.check) {
    const absl::Status checked = request.check(response);
    if (!checked.ok()) {
      return {absl::Status(checked.code(), absl::StrCat(What(request), ": ", checked.message())),
              MayPass(checked)};
    }
  }
  return {std::move(response)};
}

absl::StatusOr<HttpResponse> S3Client::Send(const S3Request& request) {
  const std::string payload_hash = HexOf(crypto_.Sha256(request.body));
  Backoff backoff(machinery_.retry, machinery_.clock, machinery_.random, machinery_.sleeper,
                  &give_up_at_us_);
  bool keys_renewed = false;
  for (;;) {
    Attempt attempt = Try(request, payload_hash);
    if (attempt.result.ok()) return std::move(attempt.result);
    if (attempt.wants_new_keys && std::exchange(keys_renewed, true)) attempt.again = false;
    if (!attempt.again || !backoff.WaitForNext(attempt.wait_us)) {
      return Outward(attempt.result.status(), backoff);
    }
    machinery_.counters->CountRetry();
  }
}

absl::Status S3Client::StatusOf(const S3Request& request, const HttpResponse& response) const {
  if (response.status >= 200 && response.status < 300) return absl::OkStatus();
  return StatusOfFailure(response, What(request), machinery_.clock->NowMicros());
}

absl::StatusOr<HttpResponse> S3Client::SendForSuccess(const S3Request& request) {
  STRATA_ASSIGN_OR_RETURN(HttpResponse response, Send(request));
  STRATA_RETURN_IF_ERROR(StatusOf(request, response));
  return response;
}

void S3Client::GiveUpAt(int64_t monotonic_us) {
  give_up_at_us_.store(monotonic_us, std::memory_order_relaxed);
  machinery_.sleeper->Wake();
}

}  // namespace strata::io
