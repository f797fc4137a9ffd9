// LocalObjectStore on both file systems.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "io/checksum.h"
#include "io/local_object_store.h"
#include "io/object_stream.h"
#include "tests/io/file_system_fixture.h"
#include "tests/support/disk_helpers.h"

namespace strata::io {
namespace {

using support::Bytes;
using testing::ElementsAre;
using testing::IsEmpty;

class ObjectStoreTest : public BothFileSystems {
 protected:
  absl::Status PutBytes(const std::string& key, std::vector<uint8_t> bytes,
                        IfPresent if_present = IfPresent::kReplace) {
    return PutObject(store_, key, if_present, bytes);
  }

  std::vector<std::string> Keys(const std::string& prefix = "", const std::string& after = "",
                                size_t limit = 1000) {
    std::vector<std::string> keys;
    const auto objects = store_.List(prefix, after, limit);
    EXPECT_TRUE(objects.ok()) << objects.status();
    for (const ObjectInfo& object : *objects) keys.push_back(object.key);
    return keys;
  }

  SeededRandom random_{1};
  LocalObjectStore store_{&fs(), &random_, Path("store")};
};

INSTANTIATE_TEST_SUITE_P(All, ObjectStoreTest, testing::Values(Kind::kPosix, Kind::kSimulated),
                         KindName);

TEST_P(ObjectStoreTest, RangesOfAnObject) {
  ASSERT_TRUE(PutBytes("ns/object", {1, 2, 3, 4, 5}).ok());
  EXPECT_THAT(store_.GetRange("ns/object", 1, 3).value(), ElementsAre(2, 3, 4));
  EXPECT_THAT(store_.GetRange("ns/object", 3, ~uint64_t{0}).value(), ElementsAre(4, 5));
  EXPECT_THAT(store_.GetRange("ns/object", 5, 1).value(), IsEmpty());
  EXPECT_THAT(store_.GetRange("ns/object", ~uint64_t{0}, 1).value(), IsEmpty());
  EXPECT_THAT(store_.GetTail("ns/object", 2)->bytes, ElementsAre(4, 5));
  EXPECT_EQ(store_.GetTail("ns/object", 100)->bytes.size(), 5u);
  EXPECT_EQ(store_.GetTail("ns/object", 0)->object_size, 5u);
}

TEST_P(ObjectStoreTest, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(store_.GetRange("no", 0, 1).status()));
  EXPECT_TRUE(absl::IsNotFound(store_.GetTail("no/such", 1).status()));
  EXPECT_TRUE(store_.Delete("no/such").ok());
  EXPECT_THAT(Keys(), IsEmpty());
  ASSERT_TRUE(PutBytes("a/b", {1}).ok());
  EXPECT_TRUE(absl::IsNotFound(store_.GetRange("a", 0, 1).status()));
  EXPECT_TRUE(absl::IsNotFound(store_.GetRange("a/b/c", 0, 1).status()));
  EXPECT_TRUE(store_.Delete("a").ok());
  EXPECT_THAT(Keys(), ElementsAre("a/b"));
}

TEST_P(ObjectStoreTest, PutReplacesUnlessToldToFail) {
  ASSERT_TRUE(PutBytes("k", {1}, IfPresent::kFail).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("k", {2}, IfPresent::kFail)));
  EXPECT_THAT(store_.GetTail("k", 10)->bytes, ElementsAre(1));
  ASSERT_TRUE(PutBytes("k", {3}).ok());
  EXPECT_THAT(store_.GetTail("k", 10)->bytes, ElementsAre(3));
  EXPECT_EQ(store_.RemoveLeftovers().value(), 0u);
}

TEST_P(ObjectStoreTest, OfConcurrentPutsIfAbsentOneSucceeds) {
  constexpr int kWriters = 8;
  std::vector<absl::Status> results(kWriters);
  std::vector<std::unique_ptr<ObjectWriter>> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(store_.Put("claim", IfPresent::kFail).value());
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
      EXPECT_THAT(store_.GetTail("claim", 1)->bytes, ElementsAre(i));
    } else {
      EXPECT_TRUE(absl::IsFailedPrecondition(results[i])) << results[i];
    }
  }
}

TEST_P(ObjectStoreTest, AnObjectIsInvisibleUntilCommitted) {
  auto writer = store_.Put("ns/k", IfPresent::kReplace).value();
  ASSERT_TRUE(writer->Append(Bytes(1 << 20, 1)).ok());
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(store_.GetTail("ns/k", 1).status()));
  writer.reset();
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_THAT(fs().List(Path("store/ns")).value(), IsEmpty());
}

TEST_P(ObjectStoreTest, AWrongChecksumStoresNothing) {
  auto writer = store_.Put("k", IfPresent::kReplace).value();
  ASSERT_TRUE(writer->Append(Bytes(10, 1)).ok());
  EXPECT_TRUE(absl::IsDataLoss(writer->Commit(Crc32c(0, Bytes(10, 1)) ^ 1)));
  EXPECT_FALSE(writer->Commit(Crc32c(0, Bytes(10, 1))).ok());
  EXPECT_FALSE(writer->Append(Bytes(1, 1)).ok());
  writer.reset();
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(ObjectStoreTest, BadKeysTouchNothing) {
  EXPECT_TRUE(absl::IsInvalidArgument(PutBytes("../escape", {1})));
  EXPECT_TRUE(absl::IsInvalidArgument(store_.GetRange("a/../../b", 0, 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store_.GetTail("", 1).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store_.Delete("/etc/passwd")));
  EXPECT_TRUE(absl::IsInvalidArgument(store_.List("../", "", 1).status()));
  EXPECT_FALSE(support::Exists(fs(), Path("store")));
}

TEST_P(ObjectStoreTest, ListingIsInKeyOrderAcrossDirectories) {
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
  EXPECT_EQ(store_.List("a/b", "", 1)->front().size, 3u);
}

TEST_P(ObjectStoreTest, ListingEqualsAFilterOverAllKeys) {
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

TEST_P(ObjectStoreTest, AKeyIsNotBothObjectAndDirectory) {
  ASSERT_TRUE(PutBytes("a", {1}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("a/b", {1})));
  ASSERT_TRUE(PutBytes("c/d", {1}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("c", {1})));
  EXPECT_THAT(Keys(), ElementsAre("a", "c/d"));
}

TEST_P(ObjectStoreTest, LeftoversAreIgnoredAndRemovedUnlessTheirWriterLives) {
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  ASSERT_TRUE(fs().Open(Path("store/ns/~0123456789abcdef"), OpenMode::kCreate).ok());
  auto living = store_.Put("ns/living", IfPresent::kReplace).value();
  EXPECT_THAT(Keys(), ElementsAre("ns/k"));
  EXPECT_EQ(store_.RemoveLeftovers().value(), 1u);
  EXPECT_EQ(store_.RemoveLeftovers().value(), 0u);
  ASSERT_TRUE(living->Append(Bytes(1, 7)).ok());
  ASSERT_TRUE(living->Commit(Crc32c(0, Bytes(1, 7))).ok());
  EXPECT_THAT(Keys(), ElementsAre("ns/k", "ns/living"));
}

TEST_P(ObjectStoreTest, DeleteRemoves) {
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  ASSERT_TRUE(store_.Delete("ns/k").ok());
  EXPECT_TRUE(absl::IsNotFound(store_.GetTail("ns/k", 1).status()));
  EXPECT_TRUE(store_.Delete("ns/k").ok());
}

TEST_P(ObjectStoreTest, StreamsReadAndWriteObjects) {
  auto writer = store_.Put("ns/k", IfPresent::kFail).value();
  ObjectSink sink(writer.get());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sink.Append(Bytes(5000, static_cast<uint8_t>(i))).ok());
  EXPECT_EQ(sink.size(), 500000u);
  ASSERT_TRUE(writer->Commit(sink.crc32c()).ok());
  auto source = ObjectSource::Open(&store_, "ns/k").value();
  EXPECT_EQ(source->size(), 500000u);
  std::vector<uint8_t> out(2);
  ASSERT_TRUE(source->ReadAt(4999, absl::MakeSpan(out)).ok());
  EXPECT_THAT(out, ElementsAre(0, 1));
  EXPECT_TRUE(absl::IsOutOfRange(source->ReadAt(499999, absl::MakeSpan(out))));
  EXPECT_EQ(source->name(), store_.url() + "/ns/k");
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  EXPECT_TRUE(absl::IsDataLoss(source->ReadAt(0, absl::MakeSpan(out))));
}

TEST(LocalObjectStoreOnPosix, LinksDoNotLeadOutOfTheStore) {
  PosixUnderTest under_test;
  const std::string root = under_test.directory() + "/store";
  LocalObjectStore store(&PosixFileSystem(), &SystemRandom(), root);
  ASSERT_TRUE(PutObject(store, "a/k", IfPresent::kFail, Bytes(1, 1)).ok());
  const std::string outside = under_test.directory() + "/outside";
  ASSERT_TRUE(PosixFileSystem().CreateDirectory(outside).ok());
  ASSERT_TRUE(PosixFileSystem().Open(outside + "/secret", OpenMode::kCreate).ok());
  std::filesystem::create_symlink(outside, root + "/b");
  std::filesystem::create_symlink(outside + "/secret", root + "/a/link");
  EXPECT_TRUE(absl::IsPermissionDenied(store.GetTail("b/secret", 1).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(store.GetTail("a/link", 1).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(store.Delete("b/secret")));
  EXPECT_FALSE(PutObject(store, "b/new", IfPresent::kFail, Bytes(1, 1)).ok());
  EXPECT_FALSE(std::filesystem::exists(outside + "/new"));
  const auto listed = store.List("", "", 10).value();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].key, "a/k");
}

}  // namespace
}  // namespace strata::io
