#include "io/open_s3_store.h"

#include <utility>
#include <vector>

#include "io/curl_http_client.h"
#include "io/s3_object_store.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

// Everything that is read: keys are looked for again long after the store was opened, on a thread
// that must not read what the program may be changing.
const std::vector<const char*>& Variables() {
  static const auto* const names =
      new std::vector<const char*>{"HOME",
                                   "AWS_ACCESS_KEY_ID",
                                   "AWS_SECRET_ACCESS_KEY",
                                   "AWS_SESSION_TOKEN",
                                   "AWS_REGION",
                                   "AWS_DEFAULT_REGION",
                                   "AWS_PROFILE",
                                   "AWS_SHARED_CREDENTIALS_FILE",
                                   "AWS_CONFIG_FILE",
                                   "AWS_ENDPOINT_URL",
                                   "AWS_ENDPOINT_URL_S3",
                                   "AWS_ENDPOINT_URL_STS",
                                   "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                                   "AWS_CA_BUNDLE",
                                   "AWS_ROLE_ARN",
                                   "AWS_ROLE_SESSION_NAME",
                                   "AWS_WEB_IDENTITY_TOKEN_FILE",
                                   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                   "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                   "AWS_EC2_METADATA_DISABLED",
                                   "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                   "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                   "STRATA_S3_ADDRESSING_STYLE"};
  return *names;
}

// The parts that a store's machinery points at.
struct Parts {
  explicit Parts(const Environment& world) : environment(world, Variables()) {}

  const EnvironmentSnapshot environment;
  AwsSettings settings;
  std::unique_ptr<CurlHttpClient> http;
  RealSleeper sleeper;
  RequestCounters counters;
};

// Chooses where keys come from when they are first needed: a program whose settings lack them can
// open its database all the same.
class ChosenLater : public AwsCredentialsSource {
 public:
  explicit ChosenLater(const AwsContext& context) : context_(context) {}

  // Only the cache calls this, one thread at a time.
  absl::StatusOr<AwsCredentials> Fetch() override {
    if (source_ == nullptr) {
      STRATA_ASSIGN_OR_RETURN(source_, ChooseCredentialsSource(context_));
    }
    return source_->Fetch();
  }

 private:
  const AwsContext context_;
  std::unique_ptr<AwsCredentialsSource> source_;
};

struct OwnsParts {
  const std::unique_ptr<Parts> parts;
};

// The parts are made before the store and destroyed after it.
class StoreWithParts : private OwnsParts, public S3ObjectStore {
 public:
  StoreWithParts(std::unique_ptr<Parts> owned, S3Location location, const CryptoLibrary& crypto,
                 std::unique_ptr<AwsCredentialsCache> credentials, const S3Machinery& machinery)
      : OwnsParts{std::move(owned)},
        S3ObjectStore(parts->settings, std::move(location), crypto, std::move(credentials),
                      machinery) {}
};

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenS3Store(const S3World& world,
                                                         absl::string_view url) {
  STRATA_ASSIGN_OR_RETURN(S3Location location, ParseS3Url(url));
  STRATA_ASSIGN_OR_RETURN(const CryptoLibrary* crypto, CryptoLibrary::Load());
  auto parts = std::make_unique<Parts>(*world.environment);
  STRATA_ASSIGN_OR_RETURN(parts->settings, LoadAwsSettings(parts->environment, location.bucket));
  STRATA_ASSIGN_OR_RETURN(parts->http, CurlHttpClient::New(parts->settings.ca_bundle));
  const AwsContext context = {&parts->environment, &parts->settings, parts->http.get(), world.clock,
                              &parts->counters};
  auto credentials =
      std::make_unique<AwsCredentialsCache>(std::make_unique<ChosenLater>(context), world.clock);
  const S3Machinery machinery = {parts->http.get(), world.clock,      world.random,
                                 &parts->sleeper,   &parts->counters, RetryLimits()};
  return std::make_unique<StoreWithParts>(std::move(parts), std::move(location), *crypto,
                                          std::move(credentials), machinery);
}

}  // namespace strata::io
