#include "io/aws_profile.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "io/private_file.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

// " # words" and " ; words" at the end of a line; neither is part of a value then.
absl::string_view WithoutComment(absl::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    const bool begins = line[i] == '#' || line[i] == ';';
    if (begins && (i == 0 || absl::ascii_isspace(static_cast<unsigned char>(line[i - 1])))) {
      return line.substr(0, i);
    }
  }
  return line;
}

std::string SectionName(absl::string_view line) {
  absl::ConsumePrefix(&line, "[");
  absl::ConsumeSuffix(&line, "]");
  return absl::StrJoin(absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty()), " ");
}

std::string FileNamed(const Environment& environment, const char* variable, const char* name) {
  std::string path = environment.Get(variable);
  if (!path.empty()) return path;
  const std::string home = environment.Get("HOME");
  return home.empty() ? "" : absl::StrCat(home, "/.aws/", name);
}

bool HoldsKeys(const AwsSections& sections) {
  for (const auto& [name, section] : sections) {
    if (section.count("aws_secret_access_key") != 0) return true;
  }
  return false;
}

absl::StatusOr<AwsSections> LoadFile(const std::string& path) {
  if (path.empty()) return AwsSections();
  const absl::StatusOr<std::string> text = ReadPrivateFile(path, ReadableBy::kAnyone);
  if (absl::IsNotFound(text.status())) return AwsSections();
  STRATA_RETURN_IF_ERROR(text.status());
  absl::StatusOr<AwsSections> sections = ParseAwsFile(*text);
  if (!sections.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", sections.status().message()));
  }
  if (HoldsKeys(*sections)) {
    STRATA_RETURN_IF_ERROR(ReadPrivateFile(path, ReadableBy::kNotOthers).status());
  }
  return sections;
}

// Copies what is not there yet. False when there is no such section.
bool Merge(const AwsSections& sections, const std::string& name, AwsSection* into) {
  const auto found = sections.find(name);
  if (found == sections.end()) return false;
  into->insert(found->second.begin(), found->second.end());
  return true;
}

}  // namespace

absl::StatusOr<AwsSections> ParseAwsFile(absl::string_view text) {
  AwsSections sections;
  AwsSection* section = nullptr;
  std::string parent;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(WithoutComment(raw));
    if (line.empty()) continue;
    const bool indented = absl::ascii_isspace(static_cast<unsigned char>(raw[0]));
    if (line[0] == '[' && absl::EndsWith(line, "]")) {
      section = &sections[SectionName(line)];
      parent.clear();
      continue;
    }
    const size_t equals = line.find('=');
    if (section == nullptr || equals == absl::string_view::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": neither [section] nor name = value"));
    }
    const std::string name =
        absl::AsciiStrToLower(absl::StripTrailingAsciiWhitespace(line.substr(0, equals)));
    const std::string value(absl::StripLeadingAsciiWhitespace(line.substr(equals + 1)));
    if (!indented) parent = value.empty() ? name : "";
    const bool nested = indented && !parent.empty();
    (*section)[nested ? absl::StrCat(parent, ".", name) : name] = value;
  }
  return sections;
}

std::string AwsProfile::Get(const std::string& setting) const {
  const auto found = settings.find(setting);
  return found == settings.end() ? "" : found->second;
}

absl::StatusOr<AwsProfile> LoadAwsProfile(const Environment& environment) {
  const std::string credentials_path =
      FileNamed(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const std::string config_path = FileNamed(environment, "AWS_CONFIG_FILE", "config");
  STRATA_ASSIGN_OR_RETURN(const AwsSections credentials, LoadFile(credentials_path));
  STRATA_ASSIGN_OR_RETURN(const AwsSections config, LoadFile(config_path));

  AwsProfile profile;
  const std::string named = environment.Get("AWS_PROFILE");
  profile.name = named.empty() ? "default" : named;
  profile.searched = absl::StrCat(credentials_path, ", ", config_path);
  bool found = Merge(credentials, profile.name, &profile.settings);
  found |= Merge(config, absl::StrCat("profile ", profile.name), &profile.settings);
  if (profile.name == "default") found |= Merge(config, "default", &profile.settings);
  if (!found && !named.empty()) {
    return absl::NotFoundError(
        absl::StrCat("AWS_PROFILE: no profile '", named, "' in ", profile.searched));
  }
  const std::string services = profile.Get("services");
  if (!services.empty() && !Merge(config, absl::StrCat("services ", services), &profile.services)) {
    return absl::NotFoundError(absl::StrCat(config_path, ": no [services ", services, "]"));
  }
  return profile;
}

}  // namespace strata::io
