#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "io/aws_profile.h"
#include "io/environment.h"

namespace strata::io {

// Where a server of Amazon's kind is: "http" or "https", "host" or "host:port" without the
// scheme's usual port, and a path without slash at its end, mostly empty.
struct Endpoint {
  std::string scheme;
  std::string host;
  std::string path;

  std::string url() const { return scheme + "://" + host + path; }
};

// InvalidArgument for anything else than http(s)://host[:port][/path]; the message does not repeat
// it.
absl::StatusOr<Endpoint> ParseEndpoint(const std::string& url);

// Whether a bucket is named in the path of a request or in front of the host.
enum class AddressingStyle { kPath, kVirtualHost };

// What environment variables and files say about where requests go; docs/settings.md lists them.
struct AwsSettings {
  std::string region;
  Endpoint s3;
  Endpoint sts;
  AddressingStyle style = AddressingStyle::kPath;
  std::string ca_bundle;  // empty: the system's
  AwsProfile profile;
};

absl::StatusOr<AwsSettings> LoadAwsSettings(const Environment& environment,
                                            const std::string& bucket);

}  // namespace strata::io
