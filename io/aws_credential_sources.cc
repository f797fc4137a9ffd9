#include "io/aws_credential_sources.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "io/percent_encoding.h"
#include "io/private_file.h"
#include "io/status_macros.h"
#include "io/xml.h"

namespace strata::io {
namespace {

constexpr int64_t kMetadataTimeoutUs = 2'000'000;
constexpr int64_t kTokenServiceTimeoutUs = 10'000'000;

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(const std::string text, ReadPrivateFile(path, ReadableBy::kAnyone));
  const std::string token(absl::StripAsciiWhitespace(text));
  if (token.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": no token in it"));
  return token;
}

absl::Status CheckComplete(const AwsCredentials& credentials, const std::string& what) {
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(what, ": an answer without keys"));
}

std::string TextOf(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

absl::StatusOr<HttpResponse> AskForCredentials(const AwsContext& context,
                                               const HttpRequest& request,
                                               const std::string& what) {
  context.counters->Count(RequestKind::kCredentials);
  absl::StatusOr<HttpResponse> response = context.http->Perform(request);
  if (!response.ok()) {
    return absl::Status(response.status().code(),
                        absl::StrCat(what, ": ", response.status().message()));
  }
  if (response->status == 200) return response;
  const std::string message = absl::StrCat(what, ": HTTP status ", response->status);
  const bool passing = response->status >= 500 || response->status == 429;
  if (passing) return absl::UnavailableError(message);
  return absl::PermissionDeniedError(message);
}

absl::StatusOr<int64_t> ParseExpiration(absl::string_view text, const std::string& what) {
  if (text.empty()) return 0;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::UnavailableError(absl::StrCat(what, ": an expiration that is no time"));
  }
  return absl::ToUnixMicros(time);
}

absl::StatusOr<AwsCredentials> ParseCredentialsJson(absl::string_view text,
                                                    const std::string& what) {
  const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return absl::UnavailableError(absl::StrCat(what, ": no JSON object"));
  AwsCredentials credentials;
  credentials.access_key_id = TextOf(json, "AccessKeyId");
  credentials.secret_access_key = TextOf(json, "SecretAccessKey");
  credentials.session_token = TextOf(json, "Token");
  STRATA_RETURN_IF_ERROR(CheckComplete(credentials, what));
  STRATA_ASSIGN_OR_RETURN(credentials.expires_us,
                          ParseExpiration(TextOf(json, "Expiration"), what));
  return credentials;
}

absl::StatusOr<AwsCredentials> ProfileCredentials::Fetch() {
  STRATA_ASSIGN_OR_RETURN(const AwsProfile profile, LoadAwsProfile(*context_.environment));
  AwsCredentials credentials;
  credentials.access_key_id = profile.Get("aws_access_key_id");
  credentials.secret_access_key = profile.Get("aws_secret_access_key");
  credentials.session_token = profile.Get("aws_session_token");
  STRATA_RETURN_IF_ERROR(CheckComplete(
      credentials, absl::StrCat("profile '", profile.name, "' of ", profile.searched)));
  return credentials;
}

absl::StatusOr<AwsCredentials> WebIdentityCredentials::Fetch() {
  STRATA_ASSIGN_OR_RETURN(const std::string token, ReadToken(identity_.token_file));
  const std::string form =
      absl::StrCat("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=",
                   PercentEncoded(identity_.role_arn),
                   "&RoleSessionName=", PercentEncoded(identity_.session_name),
                   "&WebIdentityToken=", PercentEncoded(token));
  const std::string what = absl::StrCat("web identity for ", identity_.role_arn);
  HttpRequest request;
  request.method = "POST";
  request.url = context_.settings->sts.url() + "/";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = ByteView(reinterpret_cast<const uint8_t*>(form.data()), form.size());
  request.timeout_us = kTokenServiceTimeoutUs;
  STRATA_ASSIGN_OR_RETURN(const HttpResponse response, AskForCredentials(context_, request, what));
  const absl::StatusOr<XmlElement> xml = ParseXml(response.text());
  const XmlElement* result = xml.ok() ? xml->Child("AssumeRoleWithWebIdentityResult") : nullptr;
  const XmlElement* keys = result == nullptr ? nullptr : result->Child("Credentials");
  if (keys == nullptr) return absl::UnavailableError(absl::StrCat(what, ": an unknown answer"));
  AwsCredentials credentials;
  credentials.access_key_id = std::string(keys->ChildText("AccessKeyId"));
  credentials.secret_access_key = std::string(keys->ChildText("SecretAccessKey"));
  credentials.session_token = std::string(keys->ChildText("SessionToken"));
  STRATA_RETURN_IF_ERROR(CheckComplete(credentials, what));
  STRATA_ASSIGN_OR_RETURN(credentials.expires_us,
                          ParseExpiration(keys->ChildText("Expiration"), what));
  return credentials;
}

absl::StatusOr<std::string> ContainerCredentials::Token() const {
  const std::string file = context_.environment->Get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) return ReadToken(file);
  return context_.environment->Get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

absl::StatusOr<AwsCredentials> ContainerCredentials::Fetch() {
  STRATA_ASSIGN_OR_RETURN(const std::string token, Token());
  HttpRequest request;
  request.method = "GET";
  request.url = url_;
  if (!token.empty()) request.headers = {{"Authorization", token}};
  request.timeout_us = kMetadataTimeoutUs;
  request.never_by_proxy = true;
  const std::string what = "the container's credentials";
  STRATA_ASSIGN_OR_RETURN(const HttpResponse response, AskForCredentials(context_, request, what));
  return ParseCredentialsJson(response.text(), what);
}

absl::StatusOr<std::string> InstanceCredentials::Ask(const std::string& method,
                                                     const std::string& path,
                                                     const HttpHeader& header) {
  HttpRequest request;
  request.method = method;
  request.url = absl::StrCat(endpoint_, path);
  request.headers = {header};
  request.timeout_us = kMetadataTimeoutUs;
  request.never_by_proxy = true;
  STRATA_ASSIGN_OR_RETURN(
      const HttpResponse response,
      AskForCredentials(context_, request, absl::StrCat("instance metadata at ", endpoint_)));
  return std::string(absl::StripAsciiWhitespace(response.text()));
}

absl::StatusOr<AwsCredentials> InstanceCredentials::FetchKeys() {
  STRATA_ASSIGN_OR_RETURN(
      const std::string token,
      Ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds", "21600"}));
  const HttpHeader header = {"X-aws-ec2-metadata-token", token};
  const std::string path = "/latest/meta-data/iam/security-credentials/";
  STRATA_ASSIGN_OR_RETURN(const std::string role, Ask("GET", path, header));
  STRATA_ASSIGN_OR_RETURN(
      const std::string json,
      Ask("GET", absl::StrCat(path, PercentEncoded(role.substr(0, role.find('\n')))), header));
  return ParseCredentialsJson(json, absl::StrCat("instance metadata at ", endpoint_));
}

absl::StatusOr<AwsCredentials> InstanceCredentials::Fetch() {
  absl::StatusOr<AwsCredentials> keys = FetchKeys();
  if (keys.ok()) return keys;
  return absl::Status(
      keys.status().code(),
      absl::StrCat("no AWS_ACCESS_KEY_ID, no web identity, no keys of profile '",
                   context_.settings->profile.name, "' in ", context_.settings->profile.searched,
                   ", and ", keys.status().message()));
}

}  // namespace strata::io
