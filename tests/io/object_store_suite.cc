#include "tests/io/object_store_suite.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "io/checksum.h"
#include "io/object_stream.h"
#include "tests/support/disk_helpers.h"

namespace strata::io {

using support::Bytes;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

// Beyond what one request carries, so that a store that sends in parts does.
constexpr size_t kLargeObject = (65 << 20) + 12345;

// Bytes that differ from place to place.
std::vector<uint8_t> Pattern(size_t size, uint32_t seed) {
  std::vector<uint8_t> bytes(size);
  uint32_t state = seed;
  for (uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

absl::Status PutInPieces(ObjectStore& store, const std::string& key, IfPresent if_present,
                         ByteView bytes) {
  auto writer = store.Put(key, if_present);
  if (!writer.ok()) return writer.status();
  for (size_t at = 0; at < bytes.size(); at += 1000003) {
    const absl::Status status = (*writer)->Append(bytes.subspan(at, 1000003));
    if (!status.ok()) return status;
  }
  return (*writer)->Commit(Crc32c(0, bytes));
}

}  // namespace

absl::Status ObjectStoreSuite::PutBytes(const std::string& key, const std::vector<uint8_t>& bytes,
                                        IfPresent if_present) {
  return PutObject(store(), key, if_present, bytes);
}

std::vector<std::string> ObjectStoreSuite::Keys(const std::string& prefix, const std::string& after,
                                                size_t limit) {
  std::vector<std::string> keys;
  const auto objects = store().List(prefix, after, limit);
  EXPECT_TRUE(objects.ok()) << objects.status();
  if (!objects.ok()) return keys;
  for (const ObjectInfo& object : *objects) keys.push_back(object.key);
  return keys;
}

TEST_P(ObjectStoreSuite, RangesOfAnObject) {
  ASSERT_TRUE(PutBytes("ns/object", {1, 2, 3, 4, 5}).ok());
  EXPECT_THAT(store().GetRange("ns/object", 1, 3).value(), ElementsAre(2, 3, 4));
  EXPECT_THAT(store().GetRange("ns/object", 3, ~uint64_t{0}).value(), ElementsAre(4, 5));
  EXPECT_THAT(store().GetRange("ns/object", 5, 1).value(), IsEmpty());
  EXPECT_THAT(store().GetRange("ns/object", ~uint64_t{0}, 1).value(), IsEmpty());
  EXPECT_THAT(store().GetTail("ns/object", 2)->bytes, ElementsAre(4, 5));
  EXPECT_EQ(store().GetTail("ns/object", 100)->bytes.size(), 5u);
  EXPECT_EQ(store().GetTail("ns/object", 0)->object_size, 5u);
}

TEST_P(ObjectStoreSuite, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(store().GetRange("no", 0, 1).status()));
  EXPECT_TRUE(absl::IsNotFound(store().GetTail("no/such", 1).status()));
  EXPECT_TRUE(store().Delete("no/such").ok());
  EXPECT_THAT(Keys(), IsEmpty());
  ASSERT_TRUE(PutBytes("a/b", {1}).ok());
  EXPECT_TRUE(absl::IsNotFound(store().GetRange("a", 0, 1).status()));
  EXPECT_TRUE(absl::IsNotFound(store().GetRange("a/b/c", 0, 1).status()));
  EXPECT_TRUE(store().Delete("a").ok());
  EXPECT_THAT(Keys(), ElementsAre("a/b"));
}

TEST_P(ObjectStoreSuite, PutReplacesUnlessToldToFail) {
  ASSERT_TRUE(PutBytes("k", {1}, IfPresent::kFail).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("k", {2}, IfPresent::kFail)));
  EXPECT_THAT(store().GetTail("k", 10)->bytes, ElementsAre(1));
  ASSERT_TRUE(PutBytes("k", {3}).ok());
  EXPECT_THAT(store().GetTail("k", 10)->bytes, ElementsAre(3));
}

TEST_P(ObjectStoreSuite, OfConcurrentPutsIfAbsentOneSucceeds) {
  constexpr int kWriters = 8;
  std::vector<absl::Status> results(kWriters);
  std::vector<std::unique_ptr<ObjectWriter>> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(store().Put("claim", IfPresent::kFail).value());
    ASSERT_TRUE(writers.back()->Append(Bytes(1, static_cast<uint8_t>(i))).ok());
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back(
        [&, i] { results[i] = writers[i]->Commit(Crc32c(0, Bytes(1, static_cast<uint8_t>(i)))); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count_if(results.begin(), results.end(), [](const auto& s) { return s.ok(); }), 1);
  for (int i = 0; i < kWriters; ++i) {
    if (results[i].ok()) {
      EXPECT_THAT(store().GetTail("claim", 1)->bytes, ElementsAre(i));
    } else {
      EXPECT_TRUE(absl::IsFailedPrecondition(results[i])) << results[i];
    }
  }
}

TEST_P(ObjectStoreSuite, AnObjectIsInvisibleUntilCommitted) {
  auto writer = store().Put("ns/k", IfPresent::kReplace).value();
  ASSERT_TRUE(writer->Append(Bytes(1 << 20, 1)).ok());
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(store().GetTail("ns/k", 1).status()));
  writer.reset();
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(ObjectStoreSuite, AWrongChecksumStoresNothing) {
  auto writer = store().Put("k", IfPresent::kReplace).value();
  ASSERT_TRUE(writer->Append(Bytes(10, 1)).ok());
  EXPECT_TRUE(absl::IsDataLoss(writer->Commit(Crc32c(0, Bytes(10, 1)) ^ 1)));
  EXPECT_FALSE(writer->Commit(Crc32c(0, Bytes(10, 1))).ok());
  EXPECT_FALSE(writer->Append(Bytes(1, 1)).ok());
  writer.reset();
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(ObjectStoreSuite, BadKeysTouchNothing) {
  EXPECT_TRUE(absl::IsInvalidArgument(PutBytes("../escape", {1})));
  EXPECT_TRUE(absl::IsInvalidArgument(store().GetRange("a/../../b", 0, 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store().GetTail("", 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store().Delete("/etc/passwd")));
  EXPECT_TRUE(absl::IsInvalidArgument(store().List("../", "", 1).status()));
}

TEST_P(ObjectStoreSuite, ListingIsInKeyOrderAcrossDirectories) {
  std::vector<std::string> keys = {"a/b",  "a-b", "a.b",   "a0",   "a/c/d",  "a-/x",
                                   "a-/-", "b",   "a.b-c", "aa/a", "a/c-/d", "a/c.",
                                   "Z/z",  "a--", "0",     "a_/q"};
  for (const std::string& key : keys) ASSERT_TRUE(PutBytes(key, Bytes(key.size(), 1)).ok()) << key;
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(Keys(), keys);
  for (size_t limit = 1; limit <= 3; ++limit) {
    std::vector<std::string> paged;
    for (;;) {
      const auto page = Keys("", paged.empty() ? "" : paged.back(), limit);
      if (page.empty()) break;
      paged.insert(paged.end(), page.begin(), page.end());
    }
    EXPECT_EQ(paged, keys) << "limit " << limit;
  }
  EXPECT_EQ(store().List("a/b", "", 1)->front().size, 3u);
}

TEST_P(ObjectStoreSuite, ListingEqualsAFilterOverAllKeys) {
  std::vector<std::string> keys = {"a/b/c", "a/b-", "a/b.d/e", "a/bb",
                                   "ab/c",  "b/a",  "b/b/b/b", "c"};
  for (const std::string& key : keys) ASSERT_TRUE(PutBytes(key, {1}).ok());
  std::sort(keys.begin(), keys.end());
  for (const std::string prefix :
       {"", "a", "a/", "a/b", "a/b/", "a/b.", "ab", "b/b", "b/b/b/b", "d"}) {
    for (const std::string after :
         {"", "a", "a/b", "a/b/", "a/b/c", "a/bb", "ab/c", "b/b/b", "c", "d"}) {
      std::vector<std::string> expected;
      for (const std::string& key : keys) {
        if (key.rfind(prefix, 0) == 0 && key > after) expected.push_back(key);
      }
      EXPECT_EQ(Keys(prefix, after), expected)
          << "prefix '" << prefix << "' after '" << after << "'";
    }
  }
  EXPECT_THAT(Keys("", "", 0), IsEmpty());
}

TEST_P(ObjectStoreSuite, DeleteRemoves) {
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  ASSERT_TRUE(store().Delete("ns/k").ok());
  EXPECT_TRUE(absl::IsNotFound(store().GetTail("ns/k", 1).status()));
  EXPECT_TRUE(store().Delete("ns/k").ok());
}

TEST_P(ObjectStoreSuite, StreamsReadAndWriteObjects) {
  auto writer = store().Put("ns/k", IfPresent::kFail).value();
  ObjectSink sink(writer.get());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sink.Append(Bytes(5000, static_cast<uint8_t>(i))).ok());
  EXPECT_EQ(sink.size(), 500000u);
  ASSERT_TRUE(writer->Commit(sink.crc32c()).ok());
  auto source = ObjectSource::Open(&store(), "ns/k").value();
  EXPECT_EQ(source->size(), 500000u);
  std::vector<uint8_t> out(2);
  ASSERT_TRUE(source->ReadAt(4999, absl::MakeSpan(out)).ok());
  EXPECT_THAT(out, ElementsAre(0, 1));
  EXPECT_TRUE(absl::IsOutOfRange(source->ReadAt(499999, absl::MakeSpan(out))));
  EXPECT_EQ(source->name(), store().url() + "/ns/k");
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  EXPECT_TRUE(absl::IsDataLoss(source->ReadAt(0, absl::MakeSpan(out))));
}

TEST_P(ObjectStoreSuite, AnEmptyObjectIsAnObject) {
  ASSERT_TRUE(PutBytes("ns/empty", {}, IfPresent::kFail).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("ns/empty", {1}, IfPresent::kFail)));
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("ns/empty", {}, IfPresent::kFail)));
  EXPECT_THAT(store().GetRange("ns/empty", 0, 10).value(), IsEmpty());
  EXPECT_EQ(store().GetTail("ns/empty", 10)->object_size, 0u);
  EXPECT_EQ(store().GetTail("ns/empty", 0)->object_size, 0u);
  EXPECT_THAT(Keys(), ElementsAre("ns/empty"));
}

TEST_P(ObjectStoreSuite, LargeObjectsComeBackAsTheyWere) {
  const std::vector<uint8_t> large = Pattern(kLargeObject, 1);
  ASSERT_TRUE(PutInPieces(store(), "ns/large", IfPresent::kReplace, large).ok());
  EXPECT_EQ(store().List("ns/large", "", 1)->front().size, large.size());
  const auto tail = store().GetTail("ns/large", 4).value();
  EXPECT_EQ(tail.object_size, large.size());
  EXPECT_EQ(tail.bytes, std::vector<uint8_t>(large.end() - 4, large.end()));
  const size_t middle = (32 << 20) - 3;  // across the end of a part
  EXPECT_EQ(store().GetRange("ns/large", middle, 10).value(),
            std::vector<uint8_t>(large.begin() + middle, large.begin() + middle + 10));
  EXPECT_TRUE(store().GetRange("ns/large", 0, large.size()).value() == large);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      PutInPieces(store(), "ns/large", IfPresent::kFail, Pattern(kLargeObject, 2))));
  EXPECT_TRUE(store().GetRange("ns/large", 0, 100).value() == Pattern(100, 1));
}

TEST_P(ObjectStoreSuite, ALargeUploadWithAWrongChecksumOrWithoutCommitStoresNothing) {
  const std::vector<uint8_t> large = Pattern(kLargeObject, 3);
  auto dropped = store().Put("ns/large", IfPresent::kReplace).value();
  ASSERT_TRUE(dropped->Append(large).ok());
  dropped.reset();
  auto wrong = store().Put("ns/large", IfPresent::kReplace).value();
  ASSERT_TRUE(wrong->Append(large).ok());
  EXPECT_TRUE(absl::IsDataLoss(wrong->Commit(Crc32c(0, large) ^ 1)));
  wrong.reset();
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(ObjectStoreSuite, ManyThreadsReadAndWriteAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20;
  const std::vector<uint8_t> shared = Pattern(1 << 20, 4);
  ASSERT_TRUE(PutBytes("shared", shared).ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const size_t at = static_cast<size_t>(t * kRounds + round) * 6000;
        const auto part = store().GetRange("shared", at, 5000);
        ASSERT_TRUE(part.ok()) << part.status();
        EXPECT_TRUE(std::equal(part->begin(), part->end(), shared.begin() + at));
        const std::string key = "own/" + std::to_string(t);
        ASSERT_TRUE(PutBytes(key, Bytes(100, static_cast<uint8_t>(round))).ok());
        EXPECT_EQ(store().GetTail(key, 1)->bytes, Bytes(1, static_cast<uint8_t>(round)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Keys("own/").size(), static_cast<size_t>(kThreads));
}

TEST_P(ObjectStoreSuite, EveryRequestIsCountedByItsKind) {
  ASSERT_TRUE(PutBytes("k", {1, 2, 3}).ok());
  ASSERT_TRUE(store().GetRange("k", 0, 2).ok());
  ASSERT_TRUE(store().GetTail("k", 1).ok());
  ASSERT_TRUE(store().List("", "", 10).ok());
  ASSERT_TRUE(store().Delete("k").ok());
  const RequestCounts counts = store().request_counts();
  EXPECT_EQ(counts[RequestKind::kPut], 1u);
  EXPECT_EQ(counts[RequestKind::kGet], 2u);
  EXPECT_EQ(counts[RequestKind::kList], 1u);
  EXPECT_EQ(counts[RequestKind::kDelete], 1u);
  EXPECT_EQ(counts[RequestKind::kMultipart], 0u);
  EXPECT_EQ(counts.retries, 0u);
  EXPECT_EQ(counts.bytes_sent, 3u);
  EXPECT_GE(counts.bytes_received, 3u);
}

}  // namespace strata::io
