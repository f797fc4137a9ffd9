#include "io/store_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/simulated_disk.h"

namespace strata::io {
namespace {

using testing::HasSubstr;
using testing::Not;

class StoreUrlTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<ObjectStore>> OpenUrl(const std::string& url) {
    return OpenStore(&disk_, &random_, url);
  }

  support::SimulatedDisk disk_;
  SeededRandom random_{1};
};

TEST_F(StoreUrlTest, FileUrlOpensADirectory) {
  auto store = OpenUrl("file:///backup").value();
  EXPECT_EQ(store->url(), "file:///backup");
  ASSERT_TRUE(PutObject(*store, "k", IfPresent::kFail, std::vector<uint8_t>{1}).ok());
  EXPECT_TRUE(disk_.Stat("/backup/k").ok());
}

TEST_F(StoreUrlTest, PercentEncodingNamesAnyByte) {
  auto store = OpenUrl("FILE://localhost/my%20backup%2B%3f/").value();
  EXPECT_EQ(store->url(), "file:///my%20backup%2b%3f");
  ASSERT_TRUE(PutObject(*store, "k", IfPresent::kFail, std::vector<uint8_t>{1}).ok());
  EXPECT_TRUE(disk_.Stat("/my backup+?/k").ok());
}

TEST_F(StoreUrlTest, AnythingElseIsRefusedWithWhatIsSupported) {
  for (const char* url :
       {"", "backup", "/backup", "file:", "file:/backup", "file://", "file:///", "file://host/d",
        "file:///a/../b", "file:///a%2F..%2Fb", "file:///a%00b", "file:///a%2", "file:///a%zz",
        "file:///a?x=1", "file:///a#b", "http://host/", "://x"}) {
    const absl::Status status = OpenUrl(url).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << url << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("file:///absolute/directory")) << url;
  }
}

TEST_F(StoreUrlTest, S3UrlNamesABucketAndAPrefix) {
  EXPECT_EQ(OpenUrl("s3://bucket").value()->url(), "s3://bucket");
  EXPECT_EQ(OpenUrl("s3://bucket/").value()->url(), "s3://bucket");
  EXPECT_EQ(OpenUrl("S3://my.bucket-1/a/b.c_d/").value()->url(), "s3://my.bucket-1/a/b.c_d");
}

TEST_F(StoreUrlTest, OtherS3UrlsAreRefused) {
  for (const char* url :
       {"s3://", "s3:///prefix", "s3://ab", "s3://Bucket", "s3://-bucket", "s3://bucket:80/",
        "s3://user@bucket/", "s3://bucket/../b", "s3://bucket/a//b", "s3://bucket/a%20b",
        "s3://bucket/a?x=1", "s3://bucket/a#b"}) {
    const absl::Status status = OpenUrl(url).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << url << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("s3://bucket/prefix")) << url;
  }
}

TEST_F(StoreUrlTest, TheMessageNamesTheScheme) {
  EXPECT_THAT(std::string(OpenUrl("ftp://host/").status().message()), HasSubstr("'ftp'"));
}

TEST_F(StoreUrlTest, MessagesNeverRepeatAPassword) {
  for (const char* url :
       {"s3://key:hunter2@bucket/", "file://key:hunter2@host/d", "key:hunter2@x://y",
        "file:///d?secret=hunter2", "hunter2", "hunter2/://", "s3://bucket/?secret=hunter2"}) {
    EXPECT_THAT(std::string(OpenUrl(url).status().message()), Not(HasSubstr("hunter2"))) << url;
  }
}

}  // namespace
}  // namespace strata::io
