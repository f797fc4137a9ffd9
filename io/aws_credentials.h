#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "io/aws_settings.h"
#include "io/clock.h"
#include "io/http_client.h"
#include "io/mutex.h"
#include "io/request_counts.h"
#include "io/sigv4.h"

namespace strata::io {

// What sources of keys need; all outlive them.
struct AwsContext {
  const Environment* environment = nullptr;
  const AwsSettings* settings = nullptr;
  HttpClient* http = nullptr;
  Clock* clock = nullptr;
  RequestCounters* counters = nullptr;
};

// One place that keys come from.
class AwsCredentialsSource {
 public:
  virtual ~AwsCredentialsSource() = default;

  // Asks anew. Unavailable and DeadlineExceeded may pass; PermissionDenied and others stay.
  virtual absl::StatusOr<AwsCredentials> Fetch() = 0;
};

// The first of these that the environment and the profile say something about: keys in the
// environment, web identity (environment, then profile), keys in the profile, a container's
// endpoint, and without any of them the metadata service of an EC2 instance. It alone counts: when
// it fails, the next is not asked. InvalidArgument for ways to keys that are not supported.
absl::StatusOr<std::unique_ptr<AwsCredentialsSource>> ChooseCredentialsSource(
    const AwsContext& context);

// Keys that are fetched when first needed, again some minutes before they expire, and when the
// server says that they have. While a renewal fails and the old keys still hold, those are used.
// Safe to call from any thread; one fetches at a time, and nobody waits for a renewal in time.
class AwsCredentialsCache {
 public:
  AwsCredentialsCache(std::unique_ptr<AwsCredentialsSource> source, Clock* clock);

  absl::StatusOr<AwsCredentials> Get();

  // The server refused `used` as expired: the next Get fetches, unless it did already.
  void Expired(const AwsCredentials& used);

 private:
  bool HoldsFor(int64_t micros) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFresh() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<AwsCredentials> Renew();

  const std::unique_ptr<AwsCredentialsSource> source_;
  Clock* const clock_;

  Mutex mutex_;
  CondVar renewed_;
  AwsCredentials current_ ABSL_GUARDED_BY(mutex_);  // without keys: none yet
  bool renewing_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t no_renewal_before_us_ ABSL_GUARDED_BY(mutex_) = 0;  // wall clock
};

}  // namespace strata::io
