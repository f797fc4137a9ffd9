#include "io/aws_credentials.h"

#include <utility>

#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr int64_t kRenewBeforeUs = 300'000'000;
constexpr int64_t kUnusableBeforeUs = 10'000'000;
constexpr int64_t kBetweenRenewalsUs = 30'000'000;

}  // namespace

AwsCredentialsCache::AwsCredentialsCache(std::unique_ptr<AwsCredentialsSource> source, Clock* clock)
    : source_(std::move(source)), clock_(clock) {}

bool AwsCredentialsCache::HoldsFor(int64_t micros) const {
  if (current_.access_key_id.empty()) return false;
  return current_.expires_us == 0 || current_.expires_us - clock_->NowMicros() > micros;
}

bool AwsCredentialsCache::IsFresh() const {
  if (HoldsFor(kRenewBeforeUs)) return true;
  const bool tried_lately = clock_->NowMicros() < no_renewal_before_us_;
  return HoldsFor(kUnusableBeforeUs) && (tried_lately || renewing_);
}

absl::StatusOr<AwsCredentials> AwsCredentialsCache::Get() {
  {
    MutexLock lock(&mutex_);
    for (;;) {
      if (IsFresh()) return current_;
      if (!renewing_) break;
      renewed_.Wait(&mutex_);
    }
    renewing_ = true;
  }
  return Renew();
}

absl::StatusOr<AwsCredentials> AwsCredentialsCache::Renew() {
  absl::StatusOr<AwsCredentials> fetched = source_->Fetch();
  MutexLock lock(&mutex_);
  renewing_ = false;
  renewed_.SignalAll();
  // Also after success: a source that keeps giving keys with little time left is not asked for each
  // request.
  no_renewal_before_us_ = clock_->NowMicros() + kBetweenRenewalsUs;
  if (fetched.ok()) {
    current_ = *std::move(fetched);
    return current_;
  }
  if (HoldsFor(kUnusableBeforeUs)) return current_;
  return fetched.status();
}

void AwsCredentialsCache::Expired(const AwsCredentials& used) {
  MutexLock lock(&mutex_);
  const bool same =
      used.access_key_id == current_.access_key_id && used.session_token == current_.session_token;
  if (same) current_ = AwsCredentials();
}

}  // namespace strata::io
