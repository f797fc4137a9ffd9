// Which source of keys the environment and the profile point at.
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/aws_credential_sources.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

using Source = std::unique_ptr<AwsCredentialsSource>;

constexpr char kContainerHost[] = "http://169.254.170.2";
constexpr char kInstanceEndpoint[] = "http://169.254.169.254";
constexpr char kInstanceEndpointV6[] = "http://[fd00:ec2::254]";
constexpr char kSessionName[] = "strata";

// Each of these returns null when nothing points at its source.

absl::StatusOr<Source> FromEnvironment(const AwsContext& context) {
  const Environment& environment = *context.environment;
  AwsCredentials credentials;
  credentials.access_key_id = environment.Get("AWS_ACCESS_KEY_ID");
  credentials.secret_access_key = environment.Get("AWS_SECRET_ACCESS_KEY");
  credentials.session_token = environment.Get("AWS_SESSION_TOKEN");
  if (credentials.access_key_id.empty() && credentials.secret_access_key.empty()) return Source();
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return absl::InvalidArgumentError(
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: one is set without the other");
  }
  return std::make_unique<StaticCredentials>(std::move(credentials));
}

absl::StatusOr<Source> ByWebIdentity(const AwsContext& context, WebIdentity identity) {
  if (identity.token_file.empty()) return Source();
  if (identity.role_arn.empty()) {
    return absl::InvalidArgumentError("web identity: a token file without a role's ARN");
  }
  if (identity.session_name.empty()) identity.session_name = kSessionName;
  return std::make_unique<WebIdentityCredentials>(context, std::move(identity));
}

absl::StatusOr<Source> FromProfile(const AwsContext& context) {
  const AwsProfile& profile = context.settings->profile;
  STRATA_ASSIGN_OR_RETURN(
      Source source,
      ByWebIdentity(context, {profile.Get("web_identity_token_file"), profile.Get("role_arn"),
                              profile.Get("role_session_name")}));
  if (source != nullptr) return source;
  if (!profile.Get("aws_access_key_id").empty()) {
    return std::make_unique<ProfileCredentials>(context);
  }
  for (const char* setting : {"role_arn", "sso_session", "sso_start_url", "credential_process"}) {
    if (profile.Get(setting).empty()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("profile '", profile.name, "' gets its keys by ", setting,
                     ", which Strata cannot do: give it keys or a web identity"));
  }
  return Source();
}

// The token goes to this address: only to where Amazon's own clients would send it.
bool MayGetToken(absl::string_view url) {
  if (absl::StartsWith(url, "https://")) return true;
  if (!absl::ConsumePrefix(&url, "http://")) return false;
  const absl::string_view authority = url.substr(0, url.find('/'));
  for (absl::string_view host :
       {"127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}) {
    absl::string_view rest = authority;
    if (absl::ConsumePrefix(&rest, host) && (rest.empty() || rest[0] == ':')) return true;
  }
  return false;
}

absl::StatusOr<Source> FromContainer(const AwsContext& context) {
  const std::string relative = context.environment->Get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string url = context.environment->Get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative.empty()) url = absl::StrCat(kContainerHost, relative);
  if (url.empty()) return Source();
  if (!MayGetToken(url)) {
    return absl::InvalidArgumentError(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI: neither https nor an address of this machine");
  }
  return std::make_unique<ContainerCredentials>(context, url);
}

absl::StatusOr<Source> FromInstance(const AwsContext& context) {
  const Environment& environment = *context.environment;
  if (absl::AsciiStrToLower(environment.Get("AWS_EC2_METADATA_DISABLED")) == "true") {
    return absl::PermissionDeniedError(
        absl::StrCat("no AWS_ACCESS_KEY_ID, no web identity, no keys of profile '",
                     context.settings->profile.name, "' in ", context.settings->profile.searched,
                     ", and AWS_EC2_METADATA_DISABLED forbids to ask the instance"));
  }
  std::string endpoint = environment.Get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (endpoint.empty()) {
    const std::string mode = environment.Get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    endpoint = absl::AsciiStrToLower(mode) == "ipv6" ? kInstanceEndpointV6 : kInstanceEndpoint;
  }
  STRATA_ASSIGN_OR_RETURN(const Endpoint parsed, ParseEndpoint(endpoint));
  return std::make_unique<InstanceCredentials>(context, parsed.url());
}

}  // namespace

absl::StatusOr<Source> ChooseCredentialsSource(const AwsContext& context) {
  STRATA_ASSIGN_OR_RETURN(Source source, FromEnvironment(context));
  if (source != nullptr) return source;
  const Environment& environment = *context.environment;
  STRATA_ASSIGN_OR_RETURN(source,
                          ByWebIdentity(context, {environment.Get("AWS_WEB_IDENTITY_TOKEN_FILE"),
                                                  environment.Get("AWS_ROLE_ARN"),
                                                  environment.Get("AWS_ROLE_SESSION_NAME")}));
  if (source != nullptr) return source;
  STRATA_ASSIGN_OR_RETURN(source, FromProfile(context));
  if (source != nullptr) return source;
  STRATA_ASSIGN_OR_RETURN(source, FromContainer(context));
  if (source != nullptr) return source;
  return FromInstance(context);
}

}  // namespace strata::io
