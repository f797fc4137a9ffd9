#include "io/aws_settings.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

constexpr char kDefaultRegion[] = "us-east-1";

std::string FirstSet(std::initializer_list<std::string> values) {
  for (const std::string& value : values) {
    if (!value.empty()) return value;
  }
  return "";
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._[]:", c);
}

std::string WithoutUsualPort(const std::string& scheme, absl::string_view host) {
  absl::ConsumeSuffix(&host, scheme == "https" ? ":443" : ":80");
  return std::string(host);
}

std::string ServiceSetting(const AwsProfile& profile, const std::string& name) {
  const auto found = profile.services.find(name);
  return found == profile.services.end() ? "" : found->second;
}

// As https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html orders them.
std::string ConfiguredEndpoint(const Environment& environment, const AwsProfile& profile,
                               const char* variable, const std::string& service) {
  if (absl::AsciiStrToLower(environment.Get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) == "true") {
    return "";
  }
  return FirstSet({environment.Get(variable), environment.Get("AWS_ENDPOINT_URL"),
                   ServiceSetting(profile, service + ".endpoint_url"),
                   profile.Get("endpoint_url")});
}

absl::StatusOr<AddressingStyle> ChosenStyle(const Environment& environment,
                                            const AwsProfile& profile, bool own_endpoint,
                                            const std::string& bucket) {
  const std::string style = FirstSet(
      {environment.Get("STRATA_S3_ADDRESSING_STYLE"), profile.Get("s3.addressing_style"), "auto"});
  if (style == "path") return AddressingStyle::kPath;
  if (style == "virtual") return AddressingStyle::kVirtualHost;
  if (style != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("addressing style '", style, "': path, virtual or auto"));
  }
  // A certificate for *.host does not cover a bucket with dots.
  const bool by_path = own_endpoint || absl::StrContains(bucket, '.');
  return by_path ? AddressingStyle::kPath : AddressingStyle::kVirtualHost;
}

// The region becomes a part of host names.
absl::Status CheckRegion(const std::string& region) {
  const bool good = std::all_of(region.begin(), region.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
  });
  return good ? absl::OkStatus() : absl::InvalidArgumentError("AWS region: [A-Za-z0-9-] only");
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(const std::string& url) {
  const absl::Status refused = absl::InvalidArgumentError(
      "endpoint URL (AWS_ENDPOINT_URL and the like): expected http(s)://host[:port][/path]");
  absl::string_view rest = url;
  Endpoint endpoint;
  if (absl::ConsumePrefix(&rest, "https://")) {
    endpoint.scheme = "https";
  } else if (absl::ConsumePrefix(&rest, "http://")) {
    endpoint.scheme = "http";
  } else {
    return refused;
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  const absl::string_view host = rest.substr(0, slash);
  absl::string_view path = rest.substr(slash);
  while (absl::ConsumeSuffix(&path, "/")) {
  }
  if (host.empty() || !std::all_of(host.begin(), host.end(), IsHostCharacter)) return refused;
  if (path.find_first_of("?#%\\ ") != absl::string_view::npos) return refused;
  endpoint.host = WithoutUsualPort(endpoint.scheme, host);
  endpoint.path = std::string(path);
  return endpoint;
}

absl::StatusOr<AwsSettings> LoadAwsSettings(const Environment& environment,
                                            const std::string& bucket) {
  AwsSettings settings;
  STRATA_ASSIGN_OR_RETURN(settings.profile, LoadAwsProfile(environment));
  const AwsProfile& profile = settings.profile;
  settings.region = FirstSet({environment.Get("AWS_REGION"), environment.Get("AWS_DEFAULT_REGION"),
                              profile.Get("region"), kDefaultRegion});
  STRATA_RETURN_IF_ERROR(CheckRegion(settings.region));
  const absl::string_view suffix =
      absl::StartsWith(settings.region, "cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  const std::string s3 = ConfiguredEndpoint(environment, profile, "AWS_ENDPOINT_URL_S3", "s3");
  const std::string sts = ConfiguredEndpoint(environment, profile, "AWS_ENDPOINT_URL_STS", "sts");
  STRATA_ASSIGN_OR_RETURN(
      settings.s3,
      ParseEndpoint(s3.empty() ? absl::StrCat("https://s3.", settings.region, suffix) : s3));
  STRATA_ASSIGN_OR_RETURN(
      settings.sts,
      ParseEndpoint(sts.empty() ? absl::StrCat("https://sts.", settings.region, suffix) : sts));
  STRATA_ASSIGN_OR_RETURN(settings.style, ChosenStyle(environment, profile, !s3.empty(), bucket));
  settings.ca_bundle = FirstSet({environment.Get("AWS_CA_BUNDLE"), profile.Get("ca_bundle")});
  return settings;
}

}  // namespace strata::io
