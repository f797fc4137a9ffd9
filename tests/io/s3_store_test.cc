// S3ObjectStore over a server that is a list of answers: retries, errors, lost answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "absl/strings/str_cat.h"
#include "io/aws_credential_sources.h"
#include "io/checksum.h"
#include "io/s3_object_store.h"
#include "io/s3_object_writer.h"
#include "io/s3_range.h"
#include "tests/io/aws_world.h"

namespace strata::io {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::SizeIs;

class S3StoreTest : public testing::Test {
 protected:
  S3StoreTest() {
    AwsSettings settings;
    settings.region = "us-east-1";
    settings.s3 = *ParseEndpoint("http://server");
    auto credentials = std::make_unique<AwsCredentialsCache>(
        std::make_unique<StaticCredentials>(AwsCredentials{"AKID", "hunter2", "token", 0}),
        &clock_);
    const S3Machinery machinery = {&http_, &clock_, &random_, &sleeper_, &counters_, limits_};
    store_ =
        std::make_unique<S3ObjectStore>(settings, S3Location{"bucket", "p"},
                                        **CryptoLibrary::Load(), std::move(credentials), machinery);
  }
  ~S3StoreTest() override { EXPECT_TRUE(http_.all_given()); }

  void AnswersError(int status, const std::string& code, std::vector<HttpHeader> headers = {}) {
    http_.Answers(status, absl::StrCat("<Error><Code>", code, "</Code></Error>"), headers);
  }
  // Of an object of 10 bytes.
  void AnswersRange(int first, const std::string& body, const std::string& mark = "") {
    http_.Answers(
        206, body,
        {{"content-range", absl::StrCat("bytes ", first, "-", first + body.size() - 1, "/10")},
         {kS3UploadMark, mark}});
  }
  absl::Status PutIfAbsent() {
    return PutObject(*store_, "k", IfPresent::kFail, std::vector<uint8_t>(10, 'x'));
  }

  const RetryLimits limits_;
  support::FakeClock clock_;
  FakeSleeper sleeper_{&clock_};
  SeededRandom random_{1};
  FakeHttp http_;
  RequestCounters counters_;
  std::unique_ptr<S3ObjectStore> store_;
};

TEST_F(S3StoreTest, WhatMayPassIsTriedAgain) {
  http_.Answers(absl::UnavailableError("reset"));
  http_.Answers(absl::DeadlineExceededError("slow"));
  AnswersError(503, "SlowDown");
  AnswersError(500, "InternalError");
  http_.Answers(429);
  AnswersError(400, "RequestTimeout");
  AnswersRange(0, "0123");
  EXPECT_THAT(store_->GetRange("k", 0, 4).value(), ElementsAre('0', '1', '2', '3'));
  const RequestCounts counts = store_->request_counts();
  EXPECT_EQ(counts[RequestKind::kGet], 7u);
  EXPECT_EQ(counts.retries, 6u);
  EXPECT_THAT(sleeper_.slept_us, Each(Le(limits_.longest_us)));
}

TEST_F(S3StoreTest, EachAttemptIsSignedAtItsOwnTime) {
  AnswersError(503, "SlowDown", {{"retry-after", "7"}});
  AnswersRange(0, "0");
  ASSERT_TRUE(store_->GetRange("k", 0, 1).ok());
  EXPECT_EQ(std::accumulate(sleeper_.slept_us.begin(), sleeper_.slept_us.end(), int64_t{0}),
            7'000'000);
  EXPECT_NE(http_.AskedHeader(0, "x-amz-date"), http_.AskedHeader(1, "x-amz-date"));
  EXPECT_NE(http_.AskedHeader(0, "Authorization"), http_.AskedHeader(1, "Authorization"));
}

TEST_F(S3StoreTest, TheDeadlineEndsItAndTheErrorSaysTryLater) {
  for (int i = 0; i < 200; ++i) http_.Answers(absl::DeadlineExceededError("slow"));
  const int64_t began = clock_.MonotonicMicros();
  const absl::Status status = store_->Delete("k");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("attempts in"));
  EXPECT_LE(clock_.MonotonicMicros() - began, limits_.deadline_us);
  EXPECT_GT(http_.asked.size(), 4u);
  while (!http_.all_given()) http_.Perform({}).IgnoreError();
}

TEST_F(S3StoreTest, GivingUpEndsTheWaitBetweenAttempts) {
  http_.Answers(absl::UnavailableError("reset"));
  sleeper_.on_sleep = [this] { store_->GiveUpAt(clock_.MonotonicMicros() - 1); };
  EXPECT_TRUE(absl::IsUnavailable(store_->Delete("k")));
  ASSERT_THAT(http_.asked, SizeIs(1));
  EXPECT_TRUE(http_.asked[0].cancelled()) << "a request under way would end too";
}

TEST_F(S3StoreTest, ErrorsAreToldApart) {
  const auto answer = [this](int status, const std::string& code) {
    AnswersError(status, code);
    return store_->GetTail("k", 1).status();
  };
  EXPECT_TRUE(absl::IsNotFound(answer(404, "NoSuchKey")));
  EXPECT_TRUE(absl::IsInvalidArgument(answer(404, "NoSuchBucket")));
  EXPECT_TRUE(absl::IsPermissionDenied(answer(403, "AccessDenied")));
  EXPECT_TRUE(absl::IsPermissionDenied(answer(403, "SignatureDoesNotMatch")));
  EXPECT_TRUE(absl::IsInvalidArgument(answer(400, "Whatever")));
  EXPECT_TRUE(sleeper_.slept_us.empty()) << "tried again in vain";
}

TEST_F(S3StoreTest, AWrongClockIsSaidSo) {
  clock_.SetWall(1'700'000'000'000'000);
  AnswersError(403, "RequestTimeTooSkewed", {{"date", "Wed, 15 Nov 2023 12:00:00 GMT"}});
  const absl::Status status = store_->GetTail("k", 1).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("clock is wrong: it says 2023-11-14 22:13:20 UTC, the server 2023-11-15 "
                        "12:00:00 UTC"));
}

TEST_F(S3StoreTest, AnotherRegionIsNamed) {
  http_.Answers(301, "<Error><Code>PermanentRedirect</Code></Error>",
                {{"x-amz-bucket-region", "eu-west-3"}});
  EXPECT_THAT(std::string(store_->Delete("k").message()), HasSubstr("region eu-west-3"));
}

TEST_F(S3StoreTest, ExpiredKeysAreFetchedAgainOnce) {
  AnswersError(400, "ExpiredToken");
  AnswersError(400, "ExpiredToken");
  EXPECT_TRUE(absl::IsPermissionDenied(store_->Delete("k")));
}

TEST_F(S3StoreTest, NoMessageHoldsASecret) {
  AnswersError(403, "SignatureDoesNotMatch");
  EXPECT_THAT(std::string(store_->Delete("k").message()), Not(HasSubstr("hunter2")));
}

TEST_F(S3StoreTest, BodiesThatAreNotTheRangeAreTriedAgain) {
  AnswersRange(0, "012");                                           // too short
  AnswersRange(1, "1234");                                          // from elsewhere
  http_.Answers(206, "01", {{"content-range", "bytes 0-3/10"}});    // shorter than it says
  http_.Answers(206, "0123", {{"content-range", "bytes 0-3"}});     // garbage
  http_.Answers(206, "0123", {{"content-range", "bytes 3-0/10"}});  // garbage
  http_.Answers(206, "0123");
  AnswersRange(0, "0123");
  EXPECT_THAT(store_->GetRange("k", 0, 4).value(), SizeIs(4));
}

TEST_F(S3StoreTest, ARangeIsCutWhereTheObjectEnds) {
  AnswersRange(8, "89");
  EXPECT_THAT(store_->GetRange("k", 8, 100).value(), ElementsAre('8', '9'));
  EXPECT_EQ(http_.AskedHeader(0, "Range"), "bytes=8-107");
  AnswersError(416, "InvalidRange");
  EXPECT_THAT(store_->GetRange("k", 10, 1).value(), SizeIs(0));
  http_.Answers(200, "0123456789");  // a server that knows no ranges
  EXPECT_THAT(store_->GetRange("k", 0, 100).value(), SizeIs(10));
  http_.Answers(200, "0123456789");
  EXPECT_FALSE(store_->GetRange("k", 1, 2).ok());
}

TEST_F(S3StoreTest, AConflictWithAnotherWriterIsFailedPrecondition) {
  AnswersError(412, "PreconditionFailed");
  AnswersRange(9, "x", "another's");
  EXPECT_TRUE(absl::IsFailedPrecondition(PutIfAbsent()));
  EXPECT_EQ(http_.AskedHeader(0, "If-None-Match"), "*");
}

TEST_F(S3StoreTest, AConflictWithOnesOwnLostAttemptIsSuccess) {
  std::string mark;
  http_.on_answer = [&] {
    if (mark.empty()) mark = http_.AskedHeader(0, kS3UploadMark);
    if (http_.asked.size() == 2) AnswersRange(9, "x", mark);
  };
  http_.Answers(absl::UnavailableError("lost after the server acted"));
  AnswersError(412, "PreconditionFailed");
  EXPECT_TRUE(PutIfAbsent().ok());
  EXPECT_THAT(mark, SizeIs(32));
  EXPECT_EQ(http_.AskedHeader(1, kS3UploadMark), mark);
}

TEST_F(S3StoreTest, WithoutMarksTheContentDecides) {
  AnswersError(412, "PreconditionFailed");
  AnswersRange(9, "x");
  AnswersRange(0, "xxxxxxxxxx");
  EXPECT_TRUE(PutIfAbsent().ok());
  AnswersError(412, "PreconditionFailed");
  AnswersRange(9, "x");
  AnswersRange(0, "xxxxxxxxxy");
  EXPECT_TRUE(absl::IsFailedPrecondition(PutIfAbsent()));
}

TEST_F(S3StoreTest, AnEmptyObjectsMarkIsReadWithoutARange) {
  const auto put_empty = [this](const std::string& mark) {
    AnswersError(412, "PreconditionFailed");
    AnswersError(416, "InvalidRange");
    http_.Answers(200, "", {{kS3UploadMark, mark}});
    return PutObject(*store_, "k", IfPresent::kFail, {});
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(put_empty("another's")));
  EXPECT_EQ(http_.AskedHeader(2, "Range"), "");
  EXPECT_TRUE(put_empty("").ok()) << "no marks kept: the content is the same";
}

TEST_F(S3StoreTest, WhatAServerCannotDoIsNotTriedAgain) {
  AnswersError(501, "NotImplemented");
  EXPECT_TRUE(absl::IsUnimplemented(PutIfAbsent()));
}

TEST_F(S3StoreTest, AConflictThatCannotBeLookedIntoIsNotDecided) {
  AnswersError(412, "PreconditionFailed");
  AnswersError(403, "AccessDenied");
  EXPECT_TRUE(absl::IsPermissionDenied(PutIfAbsent()));
}

TEST_F(S3StoreTest, ListingsThatContradictThemselvesAreRefused) {
  const auto list = [this](const std::string& inside) {
    http_.Answers(200, absl::StrCat("<ListBucketResult>", inside, "</ListBucketResult>"));
    return store_->List("a", "a/5", 2);
  };
  const auto key = [](const std::string& name) {
    return absl::StrCat("<Contents><Key>", name, "</Key><Size>1</Size></Contents>");
  };
  EXPECT_THAT(list(key("p/a/6") + key("p/a/7")).value(), SizeIs(2));
  EXPECT_THAT(list(key("p/a/6 not a key") + key("p/a/7")).value(), SizeIs(1));
  EXPECT_TRUE(absl::IsDataLoss(list(key("p/a/7") + key("p/a/6")).status())) << "order";
  EXPECT_TRUE(absl::IsDataLoss(list(key("p/a/5")).status())) << "not after";
  EXPECT_TRUE(absl::IsDataLoss(list(key("p/b")).status())) << "another prefix";
  EXPECT_TRUE(absl::IsDataLoss(list(key("p/a/6") + key("p/a/7") + key("p/a/8")).status()));
  EXPECT_TRUE(absl::IsDataLoss(list("<Contents><Key>p/a/6</Key></Contents>").status())) << "size";
  EXPECT_TRUE(absl::IsDataLoss(list("<IsTruncated>true</IsTruncated>").status())) << "no token";
}

TEST_F(S3StoreTest, AListingGoesOnWhereAPageEnds) {
  http_.Answers(200,
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/+"
                "</NextContinuationToken></ListBucketResult>");
  http_.Answers(200, "<ListBucketResult><Contents><Key>p/a</Key>");  // cut off
  http_.Answers(200,
                "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>p/a</Key>"
                "<Size>12</Size></Contents></ListBucketResult>");
  EXPECT_THAT(store_->List("", "", 5000).value(), SizeIs(1));
  EXPECT_THAT(http_.asked[1].url, HasSubstr("continuation-token=t%2F%2B"));
  EXPECT_THAT(http_.asked[0].url, HasSubstr("max-keys=1000&prefix=p%2F"));
}

class S3MultipartTest : public S3StoreTest {
 protected:
  void AnswersBegin() {
    http_.Answers(200,
                  "<InitiateMultipartUploadResult><UploadId>id</UploadId>"
                  "</InitiateMultipartUploadResult>");
  }
  void AnswersPart(const std::string& tag) { http_.Answers(200, "", {{"etag", tag}}); }
  absl::Status PutLarge(IfPresent if_present) {
    return PutObject(*store_, "k", if_present, std::vector<uint8_t>(kS3PartBytes + 1, 'x'));
  }
  std::string LastUrl() { return http_.asked.back().url; }
};

TEST_F(S3MultipartTest, PartsAreSentAndNamedInOrder) {
  AnswersBegin();
  AnswersPart("\"one\"");
  AnswersPart("\"two\"");
  http_.Answers(200, "  <CompleteMultipartUploadResult/>");
  EXPECT_TRUE(PutLarge(IfPresent::kReplace).ok());
  EXPECT_EQ(http_.bodies[1].size(), kS3PartBytes);
  EXPECT_EQ(http_.bodies[2].size(), 1u);
  EXPECT_THAT(http_.bodies[3], HasSubstr("<Part><PartNumber>2</PartNumber><ETag>&quot;two&quot;"));
}

TEST_F(S3MultipartTest, AFailedPartAbortsTheUpload) {
  AnswersBegin();
  AnswersError(403, "AccessDenied");
  http_.Answers(204);
  EXPECT_TRUE(absl::IsPermissionDenied(PutLarge(IfPresent::kReplace)));
  EXPECT_EQ(http_.asked.back().method, "DELETE");
  EXPECT_THAT(LastUrl(), HasSubstr("uploadId=id"));
}

TEST_F(S3MultipartTest, AnErrorInsideACompletionOf200IsTriedAgain) {
  AnswersBegin();
  AnswersPart("1");
  AnswersPart("2");
  http_.Answers(200, "<Error><Code>InternalError</Code></Error>");
  http_.Answers(200, "<CompleteMultipartUploadResult/>");
  EXPECT_TRUE(PutLarge(IfPresent::kReplace).ok());
}

TEST_F(S3MultipartTest, ACompletionWhoseAnswerWasLostIsFoundOut) {
  http_.on_answer = [this] {
    if (http_.asked.size() == 5) AnswersRange(9, "x", http_.AskedHeader(0, kS3UploadMark));
  };
  AnswersBegin();
  AnswersPart("1");
  AnswersPart("2");
  http_.Answers(absl::UnavailableError("lost"));
  AnswersError(404, "NoSuchUpload");
  EXPECT_TRUE(PutLarge(IfPresent::kReplace).ok());
}

TEST_F(S3MultipartTest, IfAbsentLooksBeforeItCompletes) {
  AnswersBegin();
  AnswersPart("1");
  AnswersPart("2");
  AnswersRange(9, "x", "another's");
  http_.Answers(204);
  EXPECT_TRUE(absl::IsFailedPrecondition(PutLarge(IfPresent::kFail)));
  EXPECT_EQ(http_.asked.back().method, "DELETE");
}

}  // namespace
}  // namespace strata::io
