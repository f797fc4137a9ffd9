// What only a real server can say: wrong keys, no bucket, a wrong clock, other ways to name a
// bucket, races. The server is the one that AWS_* and STRATA_TEST_S3_URL name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "io/open_s3_store.h"
#include "io/percent_encoding.h"
#include "tests/io/aws_world.h"

namespace strata::io {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Variable(const char* name) { return ProcessEnvironment().Get(name); }

class SkewedClock : public Clock {
 public:
  int64_t NowMicros() override { return SystemClock().NowMicros() + skew_us; }
  int64_t MonotonicMicros() override { return SystemClock().MonotonicMicros(); }
  int64_t skew_us = 0;
};

class S3Server : public testing::Test {
 protected:
  S3Server() {
    for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION",
                             "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED"}) {
      environment_.Set(name, Variable(name));
    }
  }
  void SetUp() override {
    ASSERT_NE(Variable("STRATA_TEST_S3_URL"), "") << "run by tests/s3/ceph.py";
  }

  std::unique_ptr<ObjectStore> Open(const std::string& url) {
    auto store = OpenS3Store({&clock_, &SystemRandom(), &environment_}, url);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  std::unique_ptr<ObjectStore> Open() {
    return Open(
        absl::StrCat(Variable("STRATA_TEST_S3_URL"), "/", absl::Hex(SystemRandom().Next64())));
  }

  FakeEnvironment environment_;
  SkewedClock clock_;
};

TEST_F(S3Server, AWrongSecretIsPermissionDenied) {
  environment_.Set("AWS_SECRET_ACCESS_KEY", "hunter2");
  const auto store = Open();
  const absl::Status status = PutObject(*store, "k", IfPresent::kReplace, {});
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("secret access key is wrong"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2")));
  EXPECT_EQ(store->request_counts().retries, 0u);
}

TEST_F(S3Server, AnUnknownAccessKeyIsPermissionDenied) {
  environment_.Set("AWS_ACCESS_KEY_ID", "NOBODY");
  const absl::Status status = Open()->List("", "", 1).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not know the access key"));
}

TEST_F(S3Server, AMissingBucketIsNotAMissingObject) {
  const auto store = Open("s3://strata-no-such-bucket/store");
  for (const absl::Status& status :
       {store->GetTail("k", 0).status(), store->GetRange("k", 0, 1).status(),
        store->List("", "", 1).status(), PutObject(*store, "k", IfPresent::kFail, {}),
        store->Delete("k")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("NoSuchBucket"));
  }
}

TEST_F(S3Server, AWrongClockIsSaidSo) {
  const auto store = Open();
  ASSERT_TRUE(PutObject(*store, "k", IfPresent::kFail, {}).ok());
  clock_.skew_us = -3600 * int64_t{1'000'000};
  const absl::Status status = store->GetTail("k", 1).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("RequestTimeTooSkewed"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("this machine's clock is wrong"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(", the server 20"));
}

TEST_F(S3Server, VirtualHostStyleReachesTheSameObjects) {
  const auto by_path = Open();
  ASSERT_TRUE(PutObject(*by_path, "a/k", IfPresent::kFail, std::vector<uint8_t>{7}).ok());
  environment_.Set("STRATA_S3_ADDRESSING_STYLE", "virtual");
  environment_.Set("AWS_ENDPOINT_URL",
                   absl::StrReplaceAll(Variable("AWS_ENDPOINT_URL"), {{"127.0.0.1", "localhost"}}));
  const auto by_host = Open(by_path->url());
  const auto read = by_host->GetTail("a/k", 1);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->bytes, std::vector<uint8_t>{7});
  EXPECT_EQ(by_host->List("a/", "", 5)->size(), 1u);
  EXPECT_TRUE(PutObject(*by_host, "a/k", IfPresent::kReplace, std::vector<uint8_t>{8}).ok());
  EXPECT_EQ(by_path->GetTail("a/k", 1)->bytes, std::vector<uint8_t>{8});
}

TEST_F(S3Server, OfWritersThatRaceOneWinsEachKey) {
  constexpr int kWriters = 12;
  constexpr int kKeys = 40;
  const std::string url = Open()->url();
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      const auto store = Open(url);
      for (int k = 0; k < kKeys; ++k) {
        const absl::Status status = PutObject(*store, absl::StrCat("claim/", k), IfPresent::kFail,
                                              std::vector<uint8_t>(100, static_cast<uint8_t>(w)));
        EXPECT_TRUE(status.ok() || absl::IsFailedPrecondition(status)) << status;
        won += status.ok();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, kKeys);
}

TEST_F(S3Server, ListingsOfMoreThanAPageAreWhole) {
  const auto store = Open();
  constexpr int kObjects = 1100;
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kObjects; i += 10) {
        EXPECT_TRUE(PutObject(*store, absl::StrCat("l/", 100000 + i), IfPresent::kReplace,
                              std::vector<uint8_t>{1})
                        .ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto all = store->List("l/", "", 5000).value();
  ASSERT_EQ(all.size(), static_cast<size_t>(kObjects));
  EXPECT_EQ(all.back().key, absl::StrCat("l/", 100000 + kObjects - 1));
  EXPECT_EQ(store->List("l/", "l/100500", 5000)->size(), static_cast<size_t>(kObjects - 501));
  EXPECT_EQ(store->request_counts()[RequestKind::kList], 3u);
}

}  // namespace
}  // namespace strata::io
