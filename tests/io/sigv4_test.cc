// The signatures that Amazon's documentation works out:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, and "get-vanilla"
// of the Signature Version 4 test suite.
#include "io/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace strata::io {
namespace {

using testing::HasSubstr;

constexpr char kEmptyHash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

int64_t Micros(absl::CivilSecond time) {
  return absl::ToUnixMicros(absl::FromCivil(time, absl::UTCTimeZone()));
}

ByteView Bytes(absl::string_view text) {
  return ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

class S3Examples : public testing::Test {
 protected:
  S3Examples() : crypto_(**CryptoLibrary::Load()) {}

  std::string Sign(const std::string& method, const std::string& path, const QueryParameters& query,
                   std::vector<HttpHeader> headers, const std::string& payload_hash) {
    headers.push_back({"Host", "examplebucket.s3.amazonaws.com"});
    headers.push_back({"x-amz-content-sha256", payload_hash});
    headers.push_back({"x-amz-date", AmazonDate(kTime)});
    const AwsCredentials keys = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                 "", 0};
    return AuthorizationHeader(crypto_, {method, path, query, headers, payload_hash}, keys,
                               {"us-east-1", "s3", kTime});
  }

  const int64_t kTime = Micros(absl::CivilSecond(2013, 5, 24, 0, 0, 0));
  const CryptoLibrary& crypto_;
};

TEST_F(S3Examples, GetWithARange) {
  EXPECT_EQ(Sign("GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}, kEmptyHash),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Examples, PutWithAnOddKey) {
  const std::string hash = HexOf(crypto_.Sha256(Bytes("Welcome to Amazon S3.")));
  EXPECT_EQ(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  EXPECT_THAT(Sign("PUT", "/test$file.text", {},
                   {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                    {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                   hash),
              HasSubstr("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(S3Examples, QueryWithoutValue) {
  EXPECT_THAT(Sign("GET", "/", {{"lifecycle", ""}}, {}, kEmptyHash),
              HasSubstr("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST_F(S3Examples, QueryIsSorted) {
  EXPECT_THAT(Sign("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, kEmptyHash),
              HasSubstr("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SignatureVersion4, Vanilla) {
  const int64_t time = Micros(absl::CivilSecond(2015, 8, 30, 12, 36, 0));
  const AwsCredentials keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", 0};
  const RequestToSign request = {
      "GET",
      "/",
      {},
      {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", AmazonDate(time)}},
      kEmptyHash};
  EXPECT_EQ(
      AuthorizationHeader(**CryptoLibrary::Load(), request, keys, {"us-east-1", "service", time}),
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
      "SignedHeaders=host;x-amz-date,"
      "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SignatureVersion4, DatesAreInUtc) {
  EXPECT_EQ(AmazonDate(0), "19700101T000000Z");
  EXPECT_EQ(AmazonDate(1440938160'999'999), "20150830T123600Z");
}

TEST(SignatureVersion4, QueriesAreEncodedAndThenSorted) {
  EXPECT_EQ(CanonicalQuery({{"b", "2"}, {"a", "/x y"}, {"a", "+"}, {"A", "~"}, {"\xc3\xa4", ""}}),
            "%C3%A4=&A=~&a=%2B&a=%2Fx%20y&b=2");
}

}  // namespace
}  // namespace strata::io
