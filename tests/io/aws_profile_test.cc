#include "io/aws_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/aws_settings.h"
#include "tests/io/aws_world.h"

namespace strata::io {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(AwsFile, SectionsSettingsCommentsAndNesting) {
  const AwsSections sections = ParseAwsFile(R"(# comment
[default]
region=eu-west-1   ; where
AWS_Access_Key_Id = A#KIA
; another
[ profile   two ]
s3 =
  addressing_style = virtual
  max_concurrent_requests=20
region = x
)")
                                   .value();
  EXPECT_THAT(sections.at("default"), UnorderedElementsAre(Pair("region", "eu-west-1"),
                                                           Pair("aws_access_key_id", "A#KIA")));
  EXPECT_EQ(sections.at("profile two").at("s3.addressing_style"), "virtual");
  EXPECT_EQ(sections.at("profile two").at("region"), "x");
}

TEST(AwsFile, AnythingElseIsAnErrorWithItsLine) {
  EXPECT_THAT(std::string(ParseAwsFile("[a]\nx = 1\nnonsense\n").status().message()),
              HasSubstr("line 3"));
  EXPECT_FALSE(ParseAwsFile("x = before any section\n").ok());
  EXPECT_FALSE(ParseAwsFile("[a]\n= value\n").ok());
}

TEST(AwsProfile, CredentialsWinOverConfigAndDefaultNeedsNoName) {
  AwsWorld world;
  world.WriteFile("credentials", "[default]\naws_access_key_id=C\n[two]\naws_access_key_id=T\n");
  world.WriteFile("config", "[default]\naws_access_key_id=F\nregion=r\n[profile two]\nregion=r2\n");
  const AwsProfile profile = LoadAwsProfile(world.environment).value();
  EXPECT_EQ(profile.Get("aws_access_key_id"), "C");
  EXPECT_EQ(profile.Get("region"), "r");
  world.environment.Set("AWS_PROFILE", "two");
  EXPECT_EQ(LoadAwsProfile(world.environment)->Get("region"), "r2");
  EXPECT_EQ(LoadAwsProfile(world.environment)->Get("aws_access_key_id"), "T");
}

TEST(AwsProfile, FilesAreOptionalButANamedProfileIsNot) {
  AwsWorld world;
  EXPECT_TRUE(LoadAwsProfile(world.environment).ok());
  world.environment.Set("AWS_PROFILE", "nobody");
  const absl::Status status = LoadAwsProfile(world.environment).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("nobody"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("credentials"));
}

TEST(AwsProfile, KeysThatOthersMayReadAreRefused) {
  AwsWorld world;
  world.WriteFile("credentials", "[default]\naws_secret_access_key=hunter2\n", 0644);
  const absl::Status status = LoadAwsProfile(world.environment).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
  world.WriteFile("credentials", "[default]\nregion=r\n", 0644);
  EXPECT_TRUE(LoadAwsProfile(world.environment).ok());
}

TEST(AwsSettings, AmazonByDefault) {
  AwsWorld world;
  const AwsSettings settings = LoadAwsSettings(world.environment, "bucket").value();
  EXPECT_EQ(settings.region, "us-east-1");
  EXPECT_EQ(settings.s3.url(), "https://s3.us-east-1.amazonaws.com");
  EXPECT_EQ(settings.sts.url(), "https://sts.us-east-1.amazonaws.com");
  EXPECT_EQ(settings.style, AddressingStyle::kVirtualHost);
  EXPECT_EQ(LoadAwsSettings(world.environment, "a.b.c")->style, AddressingStyle::kPath);
}

TEST(AwsSettings, EndpointsComeFromTheMostSpecialPlace) {
  AwsWorld world;
  world.WriteFile("config",
                  "[default]\nendpoint_url=http://profile\nservices=mine\n"
                  "[services mine]\ns3 =\n  endpoint_url = http://service\n");
  const auto s3 = [&] { return LoadAwsSettings(world.environment, "bucket")->s3.url(); };
  EXPECT_EQ(s3(), "http://service");
  EXPECT_EQ(LoadAwsSettings(world.environment, "bucket")->sts.url(), "http://profile");
  world.environment.Set("AWS_ENDPOINT_URL", "http://general:9000/");
  EXPECT_EQ(s3(), "http://general:9000");
  world.environment.Set("AWS_ENDPOINT_URL_S3", "https://special:443/path/");
  EXPECT_EQ(s3(), "https://special/path");
  EXPECT_EQ(LoadAwsSettings(world.environment, "bucket")->style, AddressingStyle::kPath);
  world.environment.Set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
  EXPECT_EQ(s3(), "https://s3.us-east-1.amazonaws.com");
}

TEST(AwsSettings, BadOnesAreRefusedWithoutRepeatingThem) {
  for (const char* url : {"ftp://h", "http://", "http://user:hunter2@host", "http://h/?hunter2",
                          "hunter2", "http://h/a b"}) {
    const absl::Status status = ParseEndpoint(url).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << url;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
  }
  AwsWorld world;
  world.environment.Set("AWS_REGION", "evil.example.com/");
  EXPECT_FALSE(LoadAwsSettings(world.environment, "bucket").ok());
  world.environment.Set("AWS_REGION", "r");
  world.environment.Set("STRATA_S3_ADDRESSING_STYLE", "sideways");
  EXPECT_FALSE(LoadAwsSettings(world.environment, "bucket").ok());
}

}  // namespace
}  // namespace strata::io
