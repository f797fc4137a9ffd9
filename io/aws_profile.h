#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/environment.h"

// The files ~/.aws/config and ~/.aws/credentials:
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
namespace strata::io {

// Settings of a section by name; one that is indented below "s3 =" is "s3.name".
using AwsSection = std::map<std::string, std::string>;
// Sections by what stands between the brackets, words separated by one space.
using AwsSections = std::map<std::string, AwsSection>;

// Lines that are neither a section nor a setting are InvalidArgument with their number.
absl::StatusOr<AwsSections> ParseAwsFile(absl::string_view text);

struct AwsProfile {
  std::string name;
  AwsSection settings;   // of both files; that of the credentials wins
  AwsSection services;   // of the section [services …] that the profile names
  std::string searched;  // the files, for messages

  // Empty without such a setting.
  std::string Get(const std::string& setting) const;
};

// The profile that AWS_PROFILE names, or "default". A profile that was named and is in neither file
// is NotFound. Files with keys that others may read are PermissionDenied.
absl::StatusOr<AwsProfile> LoadAwsProfile(const Environment& environment);

}  // namespace strata::io
