#include "io/aws_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/time/time.h"
#include "tests/io/aws_world.h"

namespace strata::io {
namespace {

using testing::HasSubstr;

constexpr int64_t kMinute = 60'000'000;

class CountingSource : public AwsCredentialsSource {
 public:
  explicit CountingSource(support::FakeClock* clock, int64_t lifetime_us)
      : clock_(clock), lifetime_us_(lifetime_us) {}
  absl::StatusOr<AwsCredentials> Fetch() override {
    ++fetched;
    if (!failure.ok()) return failure;
    return AwsCredentials{"key" + std::to_string(fetched), "secret", "token",
                          lifetime_us_ == 0 ? 0 : clock_->NowMicros() + lifetime_us_};
  }

  int fetched = 0;
  absl::Status failure;

 private:
  support::FakeClock* const clock_;
  const int64_t lifetime_us_;
};

class Cache {
 public:
  explicit Cache(int64_t lifetime_us) : source(new CountingSource(&clock, lifetime_us)) {}
  std::string Key() { return cache.Get()->access_key_id; }

  support::FakeClock clock;
  CountingSource* const source;
  AwsCredentialsCache cache{std::unique_ptr<AwsCredentialsSource>(source), &clock};
};

TEST(AwsCredentialsCache, LastingKeysAreFetchedOnce) {
  Cache keys(0);
  EXPECT_EQ(keys.Key(), "key1");
  keys.clock.Advance(1000 * kMinute);
  EXPECT_EQ(keys.Key(), "key1");
}

TEST(AwsCredentialsCache, KeysAreRenewedBeforeTheyExpire) {
  Cache keys(60 * kMinute);
  EXPECT_EQ(keys.Key(), "key1");
  keys.clock.Advance(54 * kMinute);
  EXPECT_EQ(keys.Key(), "key1");
  keys.clock.Advance(2 * kMinute);
  EXPECT_EQ(keys.Key(), "key2");
}

TEST(AwsCredentialsCache, AFailedRenewalKeepsKeysThatHold) {
  Cache keys(60 * kMinute);
  EXPECT_EQ(keys.Key(), "key1");
  keys.source->failure = absl::UnavailableError("down");
  keys.clock.Advance(57 * kMinute);
  EXPECT_EQ(keys.Key(), "key1");
  EXPECT_EQ(keys.Key(), "key1");
  EXPECT_EQ(keys.source->fetched, 2) << "asked for every request";
  keys.clock.Advance(kMinute);
  EXPECT_EQ(keys.Key(), "key1");
  EXPECT_EQ(keys.source->fetched, 3);
  keys.clock.Advance(2 * kMinute);
  EXPECT_TRUE(absl::IsUnavailable(keys.cache.Get().status()));
  keys.source->failure = absl::OkStatus();
  EXPECT_EQ(keys.Key(), "key5");
}

TEST(AwsCredentialsCache, WhatTheServerCallsExpiredIsFetchedAgainOnce) {
  Cache keys(0);
  const AwsCredentials used = keys.cache.Get().value();
  keys.cache.Expired(used);
  EXPECT_EQ(keys.Key(), "key2");
  keys.cache.Expired(used);  // told by another thread, about the same old keys
  EXPECT_EQ(keys.Key(), "key2");
}

TEST(AwsCredentialsCache, ManyThreadsFetchOnce) {
  Cache keys(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(keys.Key(), "key1"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(keys.source->fetched, 1);
}

class SourceChoice : public testing::Test {
 protected:
  absl::StatusOr<AwsCredentials> Fetch() {
    auto settings = LoadAwsSettings(world_.environment, "bucket");
    if (!settings.ok()) return settings.status();
    settings_ = *std::move(settings);
    auto source =
        ChooseCredentialsSource({&world_.environment, &settings_, &http_, &clock_, &counters_});
    if (!source.ok()) return source.status();
    return (*source)->Fetch();
  }

  AwsWorld world_;
  AwsSettings settings_;
  FakeHttp http_;
  support::FakeClock clock_;
  RequestCounters counters_;
};

constexpr char kJson[] = R"({"Code": "Success", "AccessKeyId": "K", "SecretAccessKey": "S",
  "Token": "T", "Expiration": "2026-01-31T12:00:00Z"})";

TEST_F(SourceChoice, EnvironmentComesFirst) {
  world_.WriteFile("credentials", "[default]\naws_access_key_id=P\naws_secret_access_key=p\n");
  world_.environment.Set("AWS_ACCESS_KEY_ID", "E");
  EXPECT_TRUE(absl::IsInvalidArgument(Fetch().status())) << "one key without the other";
  world_.environment.Set("AWS_SECRET_ACCESS_KEY", "e");
  world_.environment.Set("AWS_SESSION_TOKEN", "t");
  EXPECT_EQ(Fetch()->access_key_id, "E");
  EXPECT_EQ(Fetch()->session_token, "t");
  EXPECT_TRUE(http_.asked.empty());
}

TEST_F(SourceChoice, WebIdentityComesBeforeTheProfile) {
  world_.WriteFile("credentials", "[default]\naws_access_key_id=P\naws_secret_access_key=p\n");
  EXPECT_EQ(Fetch()->access_key_id, "P");
  world_.environment.Set("AWS_WEB_IDENTITY_TOKEN_FILE", world_.WriteFile("token", "a+b\n", 0644));
  world_.environment.Set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
  http_.Answers(200, R"(<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>
    <Credentials><AccessKeyId>W</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
    <SessionToken>t</SessionToken><Expiration>2026-01-31T12:00:00Z</Expiration></Credentials>
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>)");
  const AwsCredentials keys = Fetch().value();
  EXPECT_EQ(keys.access_key_id, "W");
  EXPECT_EQ(keys.expires_us, absl::ToUnixMicros(absl::FromCivil(
                                 absl::CivilSecond(2026, 1, 31, 12, 0, 0), absl::UTCTimeZone())));
  EXPECT_THAT(http_.bodies[0], HasSubstr("WebIdentityToken=a%2Bb"));
  EXPECT_THAT(http_.bodies[0], HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"));
  EXPECT_EQ(counters_.Get()[RequestKind::kCredentials], 1u);
}

TEST_F(SourceChoice, ContainerBeforeInstance) {
  world_.environment.Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/keys");
  world_.environment.Set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret");
  http_.Answers(200, kJson);
  EXPECT_EQ(Fetch()->session_token, "T");
  EXPECT_EQ(http_.AskedHeader(0, "Authorization"), "secret");
  EXPECT_TRUE(http_.asked[0].never_by_proxy);
}

TEST_F(SourceChoice, AContainersTokenGoesToNoStranger) {
  for (const char* url : {"http://example.com/", "http://127.0.0.1.example.com/",
                          "ftp://127.0.0.1/", "http://169.254.170.2@example.com/"}) {
    world_.environment.Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    EXPECT_TRUE(absl::IsInvalidArgument(Fetch().status())) << url;
  }
  EXPECT_TRUE(http_.asked.empty());
}

TEST_F(SourceChoice, InstanceComesLastAndOnlyByVersion2) {
  http_.Answers(200, "TOKEN");
  http_.Answers(200, "my role\n");
  http_.Answers(200, kJson);
  EXPECT_EQ(Fetch()->access_key_id, "K");
  EXPECT_EQ(http_.asked[0].method, "PUT");
  EXPECT_EQ(http_.asked[2].url,
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/my%20role");
  EXPECT_EQ(http_.AskedHeader(2, "X-aws-ec2-metadata-token"), "TOKEN");
}

TEST_F(SourceChoice, WithoutAnyTheMessageSaysWhereItLooked) {
  http_.Answers(absl::DeadlineExceededError("timed out"));
  const absl::Status status = Fetch().status();
  for (const char* part : {"AWS_ACCESS_KEY_ID", "profile 'default'", "/.aws/credentials",
                           "169.254.169.254", "timed out"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
  world_.environment.Set("AWS_EC2_METADATA_DISABLED", "true");
  EXPECT_TRUE(absl::IsPermissionDenied(Fetch().status()));
}

TEST_F(SourceChoice, WaysThatAreNotSupportedAreNamed) {
  world_.WriteFile("config", "[default]\ncredential_process = /bin/keys\n");
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("credential_process"));
}

TEST_F(SourceChoice, AnswersThatAreNoKeysAreErrors) {
  for (const char* body : {"", "[]", "{}", "{\"AccessKeyId\": 1}", "{\"AccessKeyId\":\"a\"}"}) {
    world_.environment.Set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/keys");
    http_.Answers(200, body);
    EXPECT_TRUE(absl::IsUnavailable(Fetch().status())) << body;
  }
  http_.Answers(404);
  EXPECT_TRUE(absl::IsPermissionDenied(Fetch().status()));
  http_.Answers(500);
  EXPECT_TRUE(absl::IsUnavailable(Fetch().status()));
}

}  // namespace
}  // namespace strata::io
