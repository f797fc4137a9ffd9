#pragma once

#include <memory>
#include <string>

#include "io/aws_credentials.h"

// The places that keys come from; io/aws_credentials.h chooses among them.
namespace strata::io {

// AWS_ACCESS_KEY_ID and its companions, as they were when the store was opened.
class StaticCredentials : public AwsCredentialsSource {
 public:
  explicit StaticCredentials(AwsCredentials credentials) : credentials_(std::move(credentials)) {}
  absl::StatusOr<AwsCredentials> Fetch() override { return credentials_; }

 private:
  const AwsCredentials credentials_;
};

// Keys in the profile. The files are read each time: someone may have put newer ones there.
class ProfileCredentials : public AwsCredentialsSource {
 public:
  explicit ProfileCredentials(const AwsContext& context) : context_(context) {}
  absl::StatusOr<AwsCredentials> Fetch() override;

 private:
  const AwsContext context_;
};

struct WebIdentity {
  std::string token_file;
  std::string role_arn;
  std::string session_name;
};

// Trades a token for keys of a role:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
class WebIdentityCredentials : public AwsCredentialsSource {
 public:
  WebIdentityCredentials(const AwsContext& context, WebIdentity identity)
      : context_(context), identity_(std::move(identity)) {}
  absl::StatusOr<AwsCredentials> Fetch() override;

 private:
  const AwsContext context_;
  const WebIdentity identity_;
};

// The endpoint that ECS and EKS give to a container:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
class ContainerCredentials : public AwsCredentialsSource {
 public:
  ContainerCredentials(const AwsContext& context, std::string url)
      : context_(context), url_(std::move(url)) {}
  absl::StatusOr<AwsCredentials> Fetch() override;

 private:
  absl::StatusOr<std::string> Token() const;

  const AwsContext context_;
  const std::string url_;
};

// The metadata service of an EC2 instance, version 2:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
class InstanceCredentials : public AwsCredentialsSource {
 public:
  InstanceCredentials(const AwsContext& context, std::string endpoint)
      : context_(context), endpoint_(std::move(endpoint)) {}
  absl::StatusOr<AwsCredentials> Fetch() override;

 private:
  absl::StatusOr<AwsCredentials> FetchKeys();
  absl::StatusOr<std::string> Ask(const std::string& method, const std::string& path,
                                  const HttpHeader& header);

  const AwsContext context_;
  const std::string endpoint_;
};

// A request that is none to the store: counted, answered with 200 or an error. `what` is for
// messages; the answer's body is never part of one.
absl::StatusOr<HttpResponse> AskForCredentials(const AwsContext& context,
                                               const HttpRequest& request, const std::string& what);

// {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} as containers and instances answer.
absl::StatusOr<AwsCredentials> ParseCredentialsJson(absl::string_view text,
                                                    const std::string& what);

// "2026-01-31T12:00:00Z" in microseconds since 1970; empty is 0.
absl::StatusOr<int64_t> ParseExpiration(absl::string_view text, const std::string& what);

}  // namespace strata::io
