// What io/file.h promises, asked of every implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <thread>

#include "io/file.h"
#include "tests/io/file_system_fixture.h"
#include "tests/support/disk_helpers.h"

namespace strata::io {
namespace {

using support::Bytes;
using support::Exists;
using support::ReadAll;
using testing::ElementsAre;

class FileContract : public BothFileSystems {
 protected:
  std::unique_ptr<File> Create(const std::string& name) {
    auto file = fs().Open(Path(name), OpenMode::kCreate);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
};

INSTANTIATE_TEST_SUITE_P(All, FileContract, testing::Values(Kind::kPosix, Kind::kSimulated),
                         KindName);

TEST_P(FileContract, WrittenBytesAreReadBack) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(10, Bytes(5000, 7)).ok());
  EXPECT_EQ(file->Size().value(), 5010u);
  auto expected = Bytes(10, 0);
  expected.resize(5010, 7);
  EXPECT_EQ(ReadAll(fs(), Path("f")), expected);
  EXPECT_EQ(file->path(), Path("f"));
}

TEST_P(FileContract, ReadEndsWithTheFile) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(0, Bytes(100, 7)).ok());
  std::vector<uint8_t> out(60);
  EXPECT_EQ(file->ReadAt(70, absl::MakeSpan(out)).value(), 30u);
  EXPECT_EQ(file->ReadAt(100, absl::MakeSpan(out)).value(), 0u);
  EXPECT_EQ(file->ReadAt(5000, absl::MakeSpan(out)).value(), 0u);
}

TEST_P(FileContract, ManyPartsAreWrittenOneAfterTheOther) {
  auto file = Create("f");
  std::vector<std::vector<uint8_t>> buffers;
  std::vector<uint8_t> expected;
  for (int i = 0; i < 3000; ++i) buffers.push_back(Bytes(i % 5, static_cast<uint8_t>(i)));
  std::vector<ByteView> parts;
  for (const auto& buffer : buffers) {
    parts.emplace_back(buffer);
    expected.insert(expected.end(), buffer.begin(), buffer.end());
  }
  ASSERT_TRUE(file->WriteAt(0, parts).ok());
  EXPECT_EQ(ReadAll(fs(), Path("f")), expected);
  EXPECT_TRUE(file->WriteAt(0, {}).ok());
}

TEST_P(FileContract, WritebackMayBeStartedAnywhere) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(0, Bytes(10'000, 7)).ok());
  EXPECT_TRUE(file->StartWriteback(0, 10'000).ok());
  EXPECT_TRUE(file->StartWriteback(1'000'000, 10'000).ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(ReadAll(fs(), Path("f")), Bytes(10'000, 7));
}

TEST_P(FileContract, TruncateCutsAndExtendsWithZeros) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(0, Bytes(6000, 7)).ok());
  ASSERT_TRUE(file->Truncate(4100).ok());
  ASSERT_TRUE(file->Truncate(9000).ok());
  auto expected = Bytes(4100, 7);
  expected.resize(9000, 0);
  EXPECT_EQ(ReadAll(fs(), Path("f")), expected);
  EXPECT_TRUE(file->Sync().ok());
}

TEST_P(FileContract, RangesBeyondTheLargestFileAreRefused) {
  auto file = Create("f");
  std::vector<uint8_t> out(10);
  constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max() - 5;
  EXPECT_TRUE(absl::IsInvalidArgument(file->Write(kHuge, out)));
  EXPECT_TRUE(absl::IsInvalidArgument(file->ReadAt(kHuge, absl::MakeSpan(out)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(file->Truncate(kHuge)));
  EXPECT_EQ(file->Size().value(), 0u);
}

TEST_P(FileContract, ModesSayWhatMustExist) {
  EXPECT_TRUE(absl::IsNotFound(fs().Open(Path("f"), OpenMode::kReadOnly).status()));
  EXPECT_TRUE(absl::IsNotFound(fs().Open(Path("f"), OpenMode::kReadWrite).status()));
  EXPECT_TRUE(absl::IsNotFound(fs().Open(Path("no/f"), OpenMode::kCreate).status()));
  ASSERT_TRUE(fs().Open(Path("f"), OpenMode::kCreateOrOpen).value()->Write(0, Bytes(3, 1)).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs().Open(Path("f"), OpenMode::kCreate).status()));
  EXPECT_EQ(fs().Open(Path("f"), OpenMode::kCreateOrOpen).value()->Size().value(), 3u);
  EXPECT_TRUE(fs().Open(Path("f"), OpenMode::kReadOnlyNoFollow).ok());
  EXPECT_TRUE(absl::IsNotFound(fs().Open(Path("f/below"), OpenMode::kReadOnly).status()));
}

TEST_P(FileContract, ErrorsNameThePath) {
  const absl::Status status = fs().Open(Path("missing"), OpenMode::kReadOnly).status();
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(Path("missing")));
}

TEST_P(FileContract, ADirectoryIsNoFile) {
  EXPECT_TRUE(absl::IsFailedPrecondition(fs().Open(directory(), OpenMode::kReadOnly).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(fs().Open(directory(), OpenMode::kReadWrite).status()));
  ASSERT_TRUE(fs().CreateDirectory(Path("d")).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(fs().Unlink(Path("d"))));
  Create("f");
  EXPECT_TRUE(absl::IsNotFound(fs().List(Path("f")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs().RemoveDirectory(Path("f"))));
}

TEST_P(FileContract, AHandleForReadingCannotWrite) {
  Create("f");
  auto file = fs().Open(Path("f"), OpenMode::kReadOnly).value();
  EXPECT_FALSE(file->Write(0, Bytes(1, 1)).ok());
  EXPECT_FALSE(file->Truncate(10).ok());
  EXPECT_EQ(file->Size().value(), 0u);
}

TEST_P(FileContract, UnlinkedFileStaysReadableForItsHandle) {
  auto file = Create("f");
  ASSERT_TRUE(file->Write(0, Bytes(3, 9)).ok());
  ASSERT_TRUE(fs().Unlink(Path("f")).ok());
  EXPECT_TRUE(absl::IsNotFound(fs().Unlink(Path("f"))));
  EXPECT_FALSE(Exists(fs(), Path("f")));
  std::vector<uint8_t> out(3);
  EXPECT_EQ(file->ReadAt(0, absl::MakeSpan(out)).value(), 3u);
  EXPECT_EQ(out, Bytes(3, 9));
}

TEST_P(FileContract, RenameReplaces) {
  ASSERT_TRUE(Create("a")->Write(0, Bytes(1, 1)).ok());
  ASSERT_TRUE(Create("b")->Write(0, Bytes(1, 2)).ok());
  ASSERT_TRUE(fs().Rename(Path("a"), Path("b")).ok());
  EXPECT_EQ(ReadAll(fs(), Path("b")), Bytes(1, 1));
  EXPECT_FALSE(Exists(fs(), Path("a")));
  EXPECT_TRUE(absl::IsNotFound(fs().Rename(Path("a"), Path("b"))));
  EXPECT_TRUE(fs().Rename(Path("b"), Path("b")).ok());
  EXPECT_TRUE(Exists(fs(), Path("b")));
}

TEST_P(FileContract, RenameIfAbsentNeverReplaces) {
  ASSERT_TRUE(Create("a")->Write(0, Bytes(1, 1)).ok());
  ASSERT_TRUE(Create("b")->Write(0, Bytes(1, 2)).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs().RenameIfAbsent(Path("a"), Path("b"))));
  EXPECT_EQ(ReadAll(fs(), Path("a")), Bytes(1, 1));
  EXPECT_EQ(ReadAll(fs(), Path("b")), Bytes(1, 2));
  EXPECT_TRUE(fs().RenameIfAbsent(Path("a"), Path("c")).ok());
  EXPECT_EQ(ReadAll(fs(), Path("c")), Bytes(1, 1));
  EXPECT_TRUE(absl::IsNotFound(fs().RenameIfAbsent(Path("a"), Path("d"))));
}

TEST_P(FileContract, DirectoriesAreListedSortedAndRemovedWhenEmpty) {
  ASSERT_TRUE(fs().CreateDirectory(Path("d")).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fs().CreateDirectory(Path("d"))));
  EXPECT_TRUE(absl::IsNotFound(fs().CreateDirectory(Path("no/d"))));
  for (const char* name : {"d/b", "d/a", "d/c"}) Create(name);
  EXPECT_THAT(fs().List(Path("d")).value(), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(absl::IsFailedPrecondition(fs().RemoveDirectory(Path("d"))));
  for (const char* name : {"d/b", "d/a", "d/c"}) ASSERT_TRUE(fs().Unlink(Path(name)).ok());
  EXPECT_TRUE(fs().SyncDirectory(Path("d")).ok());
  EXPECT_TRUE(fs().RemoveDirectory(Path("d")).ok());
  EXPECT_TRUE(absl::IsNotFound(fs().List(Path("d")).status()));
  EXPECT_TRUE(absl::IsNotFound(fs().SyncDirectory(Path("d"))));
}

TEST_P(FileContract, StatTellsKindSizeModeAndIdentity) {
  ASSERT_TRUE(
      fs().Open(Path("f"), OpenMode::kCreate, {.mode = 0664}).value()->Write(0, Bytes(42, 1)).ok());
  const FileInfo info = fs().Stat(Path("f")).value();
  EXPECT_EQ(info.kind, FileKind::kRegular);
  EXPECT_EQ(info.size, 42u);
  EXPECT_EQ(info.mode, 0664u);
  EXPECT_GT(info.modified_ns, 0);
  ASSERT_TRUE(fs().Rename(Path("f"), Path("g")).ok());
  EXPECT_EQ(fs().Stat(Path("g"))->inode, info.inode);
  EXPECT_EQ(fs().Stat(Path("g"))->device, info.device);
  ASSERT_TRUE(fs().CreateDirectory(Path("d"), {.mode = 0640}).ok());
  EXPECT_EQ(fs().Stat(Path("d"))->kind, FileKind::kDirectory);
  EXPECT_EQ(fs().Stat(Path("d"))->mode, 0750u);
  EXPECT_TRUE(absl::IsNotFound(fs().Stat(Path("missing")).status()));
}

TEST_P(FileContract, AnExclusiveLockKeepsOtherHandlesOut) {
  auto first = Create("f");
  auto second = fs().Open(Path("f"), OpenMode::kReadWrite).value();
  EXPECT_TRUE(first->TryLock(LockKind::kExclusive).value());
  EXPECT_TRUE(first->TryLock(LockKind::kExclusive).value());
  EXPECT_FALSE(second->TryLock(LockKind::kExclusive).value());
  EXPECT_FALSE(second->TryLock(LockKind::kShared).value());
  ASSERT_TRUE(first->Unlock().ok());
  EXPECT_TRUE(second->TryLock(LockKind::kExclusive).value());
}

TEST_P(FileContract, SharedLocksGoTogetherAndCanBeTradedIn) {
  auto first = Create("f");
  auto second = fs().Open(Path("f"), OpenMode::kReadWrite).value();
  EXPECT_TRUE(first->TryLock(LockKind::kShared).value());
  EXPECT_TRUE(second->TryLock(LockKind::kShared).value());
  EXPECT_FALSE(first->TryLock(LockKind::kExclusive).value());
  ASSERT_TRUE(second->Unlock().ok());
  EXPECT_TRUE(first->TryLock(LockKind::kExclusive).value());
  EXPECT_TRUE(first->TryLock(LockKind::kShared).value());
  EXPECT_TRUE(second->TryLock(LockKind::kShared).value());
}

TEST_P(FileContract, ALockGoesWithItsHandleOnly) {
  auto first = Create("f");
  EXPECT_TRUE(first->TryLock(LockKind::kExclusive).value());
  fs().Open(Path("f"), OpenMode::kReadWrite)
      .value()
      .reset();  // another handle's close frees nothing
  auto second = fs().Open(Path("f"), OpenMode::kReadWrite).value();
  EXPECT_FALSE(second->TryLock(LockKind::kExclusive).value());
  first.reset();
  EXPECT_TRUE(second->TryLock(LockKind::kExclusive).value());
}

TEST_P(FileContract, RangesAreLockedOneByOne) {
  auto first = Create("f");
  auto second = fs().Open(Path("f"), OpenMode::kReadWrite).value();
  EXPECT_TRUE(first->TryLockRange({.first = 5, .count = 1}, LockKind::kExclusive).value());
  EXPECT_TRUE(second->TryLockRange({.first = 6, .count = 1}, LockKind::kExclusive).value());
  EXPECT_FALSE(second->TryLockRange({.first = 4, .count = 2}, LockKind::kShared).value());
  EXPECT_TRUE(first->IsLockedByOthers({.first = 6, .count = 10}).value());
  EXPECT_FALSE(first->IsLockedByOthers({.first = 7}).value());
  EXPECT_FALSE(first->IsLockedByOthers({.first = 0, .count = 6}).value()) << "its own";
  ASSERT_TRUE(first->UnlockRange({.first = 0, .count = 100}).ok());
  EXPECT_TRUE(second->TryLockRange({.first = 4, .count = 2}, LockKind::kShared).value());
}

TEST_P(FileContract, UnlockingTheMiddleLeavesBothEnds) {
  auto first = Create("f");
  auto second = fs().Open(Path("f"), OpenMode::kReadWrite).value();
  EXPECT_TRUE(first->TryLock(LockKind::kExclusive).value());
  ASSERT_TRUE(first->UnlockRange({.first = 10, .count = 10}).ok());
  EXPECT_TRUE(second->TryLockRange({.first = 10, .count = 10}, LockKind::kExclusive).value());
  EXPECT_FALSE(second->TryLockRange({.first = 9, .count = 1}, LockKind::kExclusive).value());
  EXPECT_FALSE(second->TryLockRange({.first = 20, .count = 1}, LockKind::kExclusive).value());
}

TEST_P(FileContract, MappedMemoryIsSharedAndStartsAsZeros) {
  auto first = fs().MapShared(Path("m"), OpenMode::kCreate, 1 << 20).value();
  ASSERT_TRUE(first->Reserve(8192).ok());
  auto second = fs().MapShared(Path("m"), OpenMode::kReadWrite, 1 << 20).value();
  EXPECT_EQ(second->size(), 1u << 20);
  EXPECT_EQ(second->data()[8191], 0);
  first->data()[8191] = 7;
  EXPECT_EQ(second->data()[8191], 7);
  EXPECT_TRUE(
      absl::IsNotFound(fs().MapShared(Path("missing"), OpenMode::kReadWrite, 4096).status()));
}

TEST_P(FileContract, AWakeEndsAWait) {
  auto memory = fs().MapShared(Path("m"), OpenMode::kCreate, 4096).value();
  auto other = fs().MapShared(Path("m"), OpenMode::kReadWrite, 4096).value();
  ASSERT_TRUE(memory->Reserve(4096).ok());
  auto& word = *reinterpret_cast<std::atomic<uint32_t>*>(memory->data());
  auto& same = *reinterpret_cast<std::atomic<uint32_t>*>(other->data());
  memory->Wait(word, 1, 3'600'000'000);  // is not 1: no wait
  std::thread waker([&] {
    same.store(1);
    other->Wake(same);
  });
  while (word.load() == 0) memory->Wait(word, 0, 3'600'000'000);
  waker.join();
}

TEST_P(FileContract, LocalDirectoryIsNoNetwork) {
  EXPECT_FALSE(fs().IsNetwork(directory()).value());
  EXPECT_TRUE(absl::IsNotFound(fs().IsNetwork(Path("missing")).status()));
}

TEST(DirectoryOf, CutsTheLastComponent) {
  EXPECT_EQ(DirectoryOf("a/b/c"), "a/b");
  EXPECT_EQ(DirectoryOf("c"), ".");
  EXPECT_EQ(DirectoryOf("/c"), "/");
  EXPECT_EQ(DirectoryOf("//c"), "/");
  EXPECT_EQ(DirectoryOf("/a//c"), "/a");
}

}  // namespace
}  // namespace strata::io
