// LocalObjectStore on both file systems: what every store does, and what only a directory does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "io/checksum.h"
#include "io/local_object_store.h"
#include "tests/io/file_system_fixture.h"
#include "tests/io/object_store_suite.h"
#include "tests/support/disk_helpers.h"

namespace strata::io {
namespace {

using support::Bytes;
using testing::ElementsAre;
using testing::IsEmpty;

class LocalStoreUnderTest : public StoreUnderTest {
 public:
  explicit LocalStoreUnderTest(Kind kind) : disk_(MakeUnderTest(kind)) {}
  ObjectStore& store() override { return store_; }

 private:
  const std::unique_ptr<FileSystemUnderTest> disk_;
  SeededRandom random_{1};
  LocalObjectStore store_{&disk_->file_system(), &random_, disk_->directory() + "/store"};
};

StoreKind LocalStoreOn(const std::string& name, Kind kind) {
  return {name, [kind] { return std::make_unique<LocalStoreUnderTest>(kind); }};
}

INSTANTIATE_TEST_SUITE_P(Local, ObjectStoreSuite,
                         testing::Values(LocalStoreOn("Posix", Kind::kPosix),
                                         LocalStoreOn("Simulated", Kind::kSimulated)),
                         StoreKindName);

class LocalObjectStoreTest : public BothFileSystems {
 protected:
  absl::Status PutBytes(const std::string& key, const std::vector<uint8_t>& bytes) {
    return PutObject(store_, key, IfPresent::kReplace, bytes);
  }

  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    const auto objects = store_.List("", "", 1000);
    EXPECT_TRUE(objects.ok()) << objects.status();
    for (const ObjectInfo& object : *objects) keys.push_back(object.key);
    return keys;
  }

  SeededRandom random_{1};
  LocalObjectStore store_{&fs(), &random_, Path("store")};
};

INSTANTIATE_TEST_SUITE_P(All, LocalObjectStoreTest, testing::Values(Kind::kPosix, Kind::kSimulated),
                         KindName);

TEST_P(LocalObjectStoreTest, NothingIsLeftOfWhatWasRefused) {
  ASSERT_TRUE(PutObject(store_, "ns/k", IfPresent::kFail, Bytes(1, 1)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutObject(store_, "ns/k", IfPresent::kFail, Bytes(1, 2))));
  auto dropped = store_.Put("ns/dropped", IfPresent::kReplace).value();
  ASSERT_TRUE(dropped->Append(Bytes(1 << 20, 1)).ok());
  dropped.reset();
  EXPECT_THAT(fs().List(Path("store/ns")).value(), ElementsAre("k"));
}

TEST_P(LocalObjectStoreTest, BadKeysMakeNoDirectory) {
  EXPECT_TRUE(absl::IsInvalidArgument(PutBytes("../escape", {1})));
  EXPECT_FALSE(support::Exists(fs(), Path("store")));
}

TEST_P(LocalObjectStoreTest, AKeyIsNotBothObjectAndDirectory) {
  ASSERT_TRUE(PutBytes("a", {1}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("a/b", {1})));
  ASSERT_TRUE(PutBytes("c/d", {1}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(PutBytes("c", {1})));
  EXPECT_THAT(Keys(), ElementsAre("a", "c/d"));
}

TEST_P(LocalObjectStoreTest, LeftoversAreIgnoredAndRemovedUnlessTheirWriterLives) {
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  ASSERT_TRUE(fs().Open(Path("store/ns/~0123456789abcdef"), OpenMode::kCreate).ok());
  auto living = store_.Put("ns/living", IfPresent::kReplace).value();
  EXPECT_THAT(Keys(), ElementsAre("ns/k"));
  EXPECT_EQ(store_.RemoveLeftovers("").value(), 1u);
  EXPECT_EQ(store_.RemoveLeftovers("").value(), 0u);
  ASSERT_TRUE(living->Append(Bytes(1, 7)).ok());
  ASSERT_TRUE(living->Commit(Crc32c(0, Bytes(1, 7))).ok());
  EXPECT_THAT(Keys(), ElementsAre("ns/k", "ns/living"));
}

TEST_P(LocalObjectStoreTest, LeftoversOfOtherDirectoriesStay) {
  ASSERT_TRUE(PutBytes("ns/k", {1}).ok());
  ASSERT_TRUE(PutBytes("other/k", {1}).ok());
  ASSERT_TRUE(fs().Open(Path("store/ns/~0123456789abcdef"), OpenMode::kCreate).ok());
  ASSERT_TRUE(fs().Open(Path("store/other/~0123456789abcdef"), OpenMode::kCreate).ok());
  EXPECT_EQ(store_.RemoveLeftovers("ns/").value(), 1u);
  EXPECT_EQ(store_.RemoveLeftovers("nowhere/").value(), 0u);
  EXPECT_FALSE(store_.RemoveLeftovers("../").ok());
  EXPECT_EQ(store_.RemoveLeftovers("other/").value(), 1u);
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
