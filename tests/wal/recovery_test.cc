#include "wal/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "segment/frame.h"
#include "tests/support/disk_helpers.h"
#include "tests/wal/log_world.h"
#include "wal/recovery_scan.h"

// The rows of docs/recovery.md; each test has the name of its row.
namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::kSegmentHeaderSize;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Image = std::map<std::string, std::vector<uint8_t>>;

constexpr size_t kRecord = segment::kRecordHeaderSize + kPageSize;
constexpr char kIdentity[] = "/app.db-wal/identity";
constexpr char kFirst[] = "/app.db-wal/0000000001.log";
constexpr char kSecond[] = "/app.db-wal/0000000002.log";
constexpr char kThird[] = "/app.db-wal/0000000003.log";

std::unique_ptr<support::SimulatedDisk> DiskFrom(const Image& image) {
  auto disk = std::make_unique<support::SimulatedDisk>();
  disk->CreateDirectory(LogWorld::kDirectory).IgnoreError();
  for (const auto& [path, bytes] : image)
    support::DurableFile(*disk, path, bytes).status().IgnoreError();
  return disk;
}

absl::StatusOr<RecoveredLog> Recover(const Image& image) {
  const auto disk = DiskFrom(image);
  const uint64_t before = disk->operation_count();
  auto recovered = RecoverLog(*disk, LogWorld::kDirectory);
  EXPECT_EQ(disk->operation_count(), before) << "recovery wrote before it decided";
  const auto again = RecoverLog(*disk, LogWorld::kDirectory);
  EXPECT_EQ(again.status(), recovered.status());
  return recovered;
}

absl::StatusOr<Versions> OpenAndRead(const Image& image) {
  LogWorld world(DiskFrom(image), 99);
  if (const absl::Status opened = world.Open(); !opened.ok()) return opened;
  return world.Read();
}

void ExpectDataLoss(const absl::Status& status, const std::string& in_message) {
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(in_message));
}

// Files 1 to `files`, each with commits [2f-1, 2f] of one frame each: pages 1 and 2. The last file
// ends with a mark.
Image ThreeFiles(int files = 3, bool quiet = true) {
  LogWorld world;
  EXPECT_TRUE(world.Open().ok());
  for (int file = 1; file <= files; ++file) {
    if (file > 1) world.log->appender().CloseCurrent();
    EXPECT_TRUE(world.CommitPages({{1, static_cast<uint64_t>(10 * file)}}, 2).ok());
    EXPECT_TRUE(world.CommitPages({{2, static_cast<uint64_t>(10 * file + 1)}}, 2).ok());
  }
  if (quiet) world.Pass(world.options.quiet_us + 1);
  return world.disk->Files();
}

Image OneFile(bool quiet = true) { return ThreeFiles(1, quiet); }

// A log in which nothing is known to be durable after its first commit, and with `body` behind it.
Image WithTail(const std::function<void(LogWorld&)>& body) {
  LogWorld world;
  EXPECT_TRUE(world.Open().ok());
  EXPECT_TRUE(world.CommitPages({{1, 10}, {2, 11}}, 2).ok());
  body(world);
  return world.disk->Files();
}

TailCase TailOf(const Image& image, const std::string& path = kFirst, uint64_t sequence = 1) {
  const auto disk = DiskFrom(image);
  const auto identity = ReadIdentity(*disk, kIdentity);
  EXPECT_TRUE(identity.ok()) << identity.status();
  const auto scan = ScanLogFile(*disk, path, sequence, *identity);
  EXPECT_TRUE(scan.ok()) << scan.status();
  return scan.ok() ? scan->tail : TailCase::kTorn;
}

// Files.

TEST(RecoveryFileTest, HeaderShort) {
  Image image = OneFile();
  image[kFirst].resize(kSegmentHeaderSize - 1);
  ExpectDataLoss(Recover(image).status(), kFirst);
}

TEST(RecoveryFileTest, HeaderDamaged) {
  Image image = OneFile();
  image[kFirst][20] ^= 1;
  const absl::Status status = Recover(image).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(kFirst));
}

TEST(RecoveryFileTest, OfAnotherLog) {
  LogWorld other(std::make_unique<support::SimulatedDisk>(), 1234);
  ASSERT_TRUE(other.Open().ok());
  ASSERT_TRUE(other.CommitPages({{1, 77}}, 1).ok());
  Image image = ThreeFiles();
  image[kFirst] = other.disk->Files()[kFirst];
  ExpectDataLoss(Recover(image).status(), kFirst);
  EXPECT_THAT(std::string(Recover(image).status().message()), HasSubstr("belongs to log"));
}

TEST(RecoveryFileTest, UnderAnotherName) {
  Image image = ThreeFiles();
  std::swap(image[kFirst], image[kSecond]);
  ExpectDataLoss(Recover(image).status(), kFirst);
  Image copied = ThreeFiles();
  copied["/app.db-wal/0000000009.log"] = copied[kThird];
  ExpectDataLoss(Recover(copied).status(), "0000000009.log");
}

TEST(RecoveryFileTest, TailEmpty) {
  LogWorld world(DiskFrom(OneFile()), 5);
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(BeginWrite(*world.connection).ok());
  ASSERT_TRUE(world.log->appender().BeginTransaction().ok());
  Image with_spare = world.disk->Files();
  EXPECT_EQ(TailOf(with_spare, kSecond, 2), TailCase::kEmpty);
  EXPECT_THAT(*OpenAndRead(with_spare), ElementsAre(10, 11));
}

TEST(RecoveryFileTest, TailClean) {
  const Image image = OneFile();
  EXPECT_EQ(TailOf(image), TailCase::kClean);
  EXPECT_THAT(*OpenAndRead(image), ElementsAre(10, 11));
}

TEST(RecoveryFileTest, TailOpen) {
  const Image image = WithTail([](LogWorld& world) {
    ASSERT_TRUE(BeginWrite(*world.connection).ok());
    ASSERT_TRUE(Spill(*world.connection, {{1, 98}, {2, 99}}).ok());
  });
  EXPECT_EQ(TailOf(image), TailCase::kOpen);
  EXPECT_THAT(*OpenAndRead(image), ElementsAre(10, 11));
}

TEST(RecoveryFileTest, TailTorn) {
  Image image = WithTail([](LogWorld& world) {
    ASSERT_TRUE(world.CommitPages({{2, 12}}, 2).ok());
  });
  image[kFirst].back() ^= 1;
  EXPECT_EQ(TailOf(image), TailCase::kTorn);
  EXPECT_THAT(*OpenAndRead(image), ElementsAre(10, 11));
}

// A stale frame of a rolled-back transaction in the place of one that was lost.
TEST(RecoveryFileTest, TailTornByAStaleFrame) {
  Image before = WithTail([](LogWorld& world) {
    ASSERT_TRUE(BeginWrite(*world.connection).ok());
    ASSERT_TRUE(Spill(*world.connection, {{1, 98}}).ok());
  });
  Image after = WithTail([](LogWorld& world) {
    ASSERT_TRUE(BeginWrite(*world.connection).ok());
    ASSERT_TRUE(Spill(*world.connection, {{1, 98}}).ok());
    world.connection->Undo();
    End(*world.connection);
    ASSERT_TRUE(world.CommitPages({{1, 20}, {2, 21}}, 2).ok());
  });
  const size_t place = kSegmentHeaderSize + 2 * kRecord;
  std::copy_n(before[kFirst].begin() + place, kRecord, after[kFirst].begin() + place);
  EXPECT_EQ(TailOf(after), TailCase::kTorn);
  EXPECT_THAT(*OpenAndRead(after), ElementsAre(10, 11));
}

// Directories.

TEST(RecoveryDirectoryTest, NoDirectory) {
  support::SimulatedDisk disk;
  EXPECT_TRUE(absl::IsNotFound(RecoverLog(disk, LogWorld::kDirectory).status()));
}

TEST(RecoveryDirectoryTest, NoLog) {
  EXPECT_TRUE(absl::IsNotFound(
      Recover({{"/app.db-wal/lock", {}}, {"/app.db-wal/identity.tmp", {1, 2}}}).status()));
}

TEST(RecoveryDirectoryTest, IdentityMissing) {
  Image image = OneFile();
  image.erase(kIdentity);
  ExpectDataLoss(Recover(image).status(), kIdentity);
}

TEST(RecoveryDirectoryTest, IdentityDamaged) {
  Image image = OneFile();
  for (size_t at = 0; at < image[kIdentity].size(); ++at) {
    Image flipped = image;
    flipped[kIdentity][at] ^= 1;
    ExpectDataLoss(Recover(flipped).status(), kIdentity);
  }
}

TEST(RecoveryDirectoryTest, IdentityAlone) {
  Image image = OneFile();
  image.erase(kFirst);
  const auto log = Recover(image);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(log->untouched);
  EXPECT_THAT(log->segments, IsEmpty());
}

TEST(RecoveryDirectoryTest, MarksOnly) {
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 10}, {2, 11}}, 2).ok());
  ASSERT_TRUE(world.connection->LockForWrite(0, nullptr) == WriteLock::Outcome::kAcquired);
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(2), true, true).ok());
  ASSERT_TRUE(world.log->Truncate().ok());
  const auto log = Recover(world.disk->Files());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_FALSE(log->untouched);
  EXPECT_EQ(log->end.frame, FrameNo(2));
  EXPECT_EQ(log->end.database_pages, 2u);
  EXPECT_THAT(*OpenAndRead(world.disk->Files()), ElementsAre(10, 11));
}

TEST(RecoveryDirectoryTest, Whole) {
  const auto log = Recover(ThreeFiles());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->end.frame, FrameNo(6));
  EXPECT_EQ(log->durable, FrameNo(6));
  EXPECT_EQ(log->segments.size(), 3u);
  EXPECT_EQ(log->next_sequence, 4u);
  EXPECT_THAT(log->leftovers, IsEmpty());
  EXPECT_THAT(*OpenAndRead(ThreeFiles()), ElementsAre(30, 31));
}

TEST(RecoveryDirectoryTest, TornTailAboveTheDurableMark) {
  Image image = OneFile(false);
  image[kFirst][kSegmentHeaderSize + kRecord + 100] ^=
      1;  // the second commit; durable when it was written: 1
  const auto log = Recover(image);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->end.frame, FrameNo(1));
}

TEST(RecoveryDirectoryTest, DamageBelowTheDurableMark) {
  Image image = OneFile(true);  // the same damage with a mark behind it
  image[kFirst][kSegmentHeaderSize + kRecord + 100] ^= 1;
  const absl::Status status = Recover(image).status();
  ExpectDataLoss(status, kFirst);
  EXPECT_THAT(std::string(status.message()), HasSubstr("offset 4672"));
}

TEST(RecoveryDirectoryTest, DamageInAnOlderFile) {
  Image image = ThreeFiles();
  image[kFirst][kSegmentHeaderSize + 100] ^= 1;
  ExpectDataLoss(Recover(image).status(), kFirst);
}

TEST(RecoveryDirectoryTest, FileMissingInTheMiddle) {
  Image image = ThreeFiles();
  image.erase(kSecond);
  const absl::Status status = Recover(image).status();
  ExpectDataLoss(status, LogWorld::kDirectory);
  EXPECT_THAT(std::string(status.message()), HasSubstr("frames 3 to 6"));
}

TEST(RecoveryDirectoryTest, FileBehindAGap) {
  // NORMAL: nothing says that the first file's end was synced.
  LogWorld world;
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.CommitPages({{1, 10}, {2, 11}}, 2, Durability::kNormal).ok());
  ASSERT_TRUE(world.CommitPages({{2, 12}}, 2, Durability::kNormal).ok());
  world.log->appender().CloseCurrent();
  ASSERT_TRUE(world.CommitPages({{2, 13}}, 2, Durability::kNormal).ok());
  Image image = world.disk->Files();
  image[kFirst].resize(kSegmentHeaderSize + 2 * kRecord);
  const auto log = Recover(image);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_THAT(log->leftovers, ElementsAre(kSecond));
  LogWorld after(DiskFrom(image), 7);
  ASSERT_TRUE(after.Open().ok());
  EXPECT_THAT(*after.Read(), ElementsAre(10, 11));
  EXPECT_FALSE(support::Exists(*after.disk, kSecond));
}

TEST(RecoveryDirectoryTest, ResurrectedFile) {
  LogWorld world(DiskFrom(ThreeFiles()), 8);
  const Image before = world.disk->Files();
  ASSERT_TRUE(world.Open().ok());
  ASSERT_TRUE(world.log->Checkpoint(FrameNo(6), true, false).ok());
  ASSERT_TRUE(world.CommitPages({{2, 41}}, 2).ok());
  Image image = world.disk->Files();
  ASSERT_FALSE(image.contains(kFirst));
  for (const char* name : {kFirst, kSecond, kThird}) {
    Image back = image;
    back[name] = before.at(name);
    EXPECT_THAT(*OpenAndRead(back), ElementsAre(30, 41)) << name;
    LogWorld after(DiskFrom(back), 9);
    ASSERT_TRUE(after.Open().ok());
    ASSERT_TRUE(after.log->Checkpoint(FrameNo(7), true, false).ok());
    EXPECT_FALSE(support::Exists(*after.disk, name));
  }
}

TEST(RecoveryDirectoryTest, TemporaryFiles) {
  Image image = OneFile();
  image["/app.db-wal/0000000002.log.tmp"] = {1, 2, 3};
  const auto log = Recover(image);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_THAT(log->leftovers, ElementsAre("/app.db-wal/0000000002.log.tmp"));
  EXPECT_THAT(*OpenAndRead(image), ElementsAre(10, 11));
}

TEST(RecoveryDirectoryTest, DurableFrameEndsNoTransaction) {
  LogWorld world(DiskFrom(OneFile(false)), 3);
  const auto identity = ReadIdentity(*world.disk, kIdentity);
  ASSERT_TRUE(identity.ok());
  segment::SegmentHeader header;
  header.page_size = kPageSize;
  header.log_id = identity->log_id;
  header.sequence = 2;
  header.salt = 5;
  auto file = CurrentSegment::Create(*world.disk, LogWorld::kDirectory, header, {});
  ASSERT_TRUE(file.ok());
  const std::vector<uint8_t> page = PageBytes(1, 50);
  const std::vector<PageRef> pages = {{segment::PageNo(1), page.data()},
                                      {segment::PageNo(1), page.data()}};
  const CommitMark mark{2, 1, FrameNo(3)};  // frame 3 is the first of the two
  ASSERT_TRUE((*file)->AppendFrames(FrameNo(3), pages, &mark).ok());
  ASSERT_TRUE((*file)->Publish(*world.disk, LogWorld::kDirectory).ok());
  ExpectDataLoss(RecoverLog(*world.disk, LogWorld::kDirectory).status(), "ends no transaction");
}

TEST(RecoveryDirectoryTest, ImpossibleProgress) {
  const Image image = WithTail([](LogWorld& world) {
    {
      io::MutexLock lock(&world.log->state().append_mutex);
      world.log->state().progress.shipped = FrameNo(3);  // the log ends at 2
    }
    ASSERT_TRUE(world.log->appender().AppendMark().ok());
  });
  ExpectDataLoss(Recover(image).status(), "impossible progress");
}

// Damage of every kind to every byte.

TEST(RecoveryDamageTest, EveryFlippedByteIsFoundOrDoesNoHarm) {
  const Image image = ThreeFiles(2);
  for (const auto& [path, bytes] : image) {
    for (size_t at = 0; at < bytes.size(); ++at) {
      Image flipped = image;
      flipped[path][at] ^= 0x10;
      const auto disk = DiskFrom(flipped);
      const auto log = RecoverLog(*disk, LogWorld::kDirectory);
      if (log.ok()) {
        ASSERT_EQ(log->end.frame, FrameNo(4)) << path << " byte " << at;
      } else {
        ASSERT_THAT(std::string(log.status().message()), HasSubstr(path)) << " byte " << at;
      }
    }
  }
}

TEST(RecoveryDamageTest, EveryTruncationIsFoundOrLosesNothingDurable) {
  const Image image = ThreeFiles(2);
  for (const auto& [path, bytes] : image) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      Image cut = image;
      cut[path].resize(length);
      const auto disk = DiskFrom(cut);
      const auto log = RecoverLog(*disk, LogWorld::kDirectory);
      if (log.ok()) {
        // Only the end of the newest file can go: commit 3 knew of 2, commit 4 of 3, the mark of 4.
        ASSERT_EQ(path, kSecond);
        const size_t records = (length - kSegmentHeaderSize) / kRecord;
        ASSERT_EQ(log->end.frame, FrameNo(2 + records)) << length;
      } else {
        ASSERT_TRUE(absl::IsDataLoss(log.status())) << log.status();
        ASSERT_THAT(std::string(log.status().message()), HasSubstr(LogWorld::kDirectory)) << length;
      }
    }
  }
}

}  // namespace
}  // namespace strata::wal
