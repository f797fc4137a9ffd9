#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "io/bytes.h"
#include "io/checksum.h"
#include "io/posix_file_system.h"
#include "io/status_macros.h"
#include "segment/digest.h"
#include "tests/support/temporary_directory.h"
#include "tests/wal/log_world.h"

// Every commit stores the hash of the database in page 1; every reader works it out again. On a
// real disk, with threads, checkpoints, and log files that come and go.
namespace strata::wal {
namespace {

using segment::FrameNo;
using segment::PageNo;
using Page = std::vector<uint8_t>;

constexpr uint32_t kPages = 24;
constexpr size_t kHashAt = 32;  // in page 1

uint64_t HashOf(const std::vector<Page>& pages) {
  segment::Digest digest;
  for (uint32_t i = 1; i < pages.size(); ++i)
    digest.Toggle(segment::PageHash(PageNo(i + 1), pages[i]));
  return digest.value();
}

class IsolationTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.segment_bytes = 48 << 10;
    options_.checkpoint_bytes = 24 << 10;
    options_.unsynced_bytes = 64 << 10;
    options_.unsynced_us = 5'000;
    options_.quiet_us = 1'000;
    Open();
  }
  void TearDown() override { log_.reset(); }

  void Open() {
    LogPlace place;
    place.database = directory_.path() + "/app.db";
    place.directory = place.database + "-wal";
    place.open_database = [this] { return OpenDatabase(); };
    auto log = Log::Open(
        place, {}, {&io::PosixFileSystem(), &io::SystemClock(), &io::SystemRandom(), &logger_},
        options_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  absl::StatusOr<std::unique_ptr<io::File>> OpenDatabase() {
    return io::PosixFileSystem().Open(directory_.path() + "/app.db", io::OpenMode::kCreateOrOpen);
  }

  // The pages of the connection's snapshot, or of its open transaction.
  absl::StatusOr<std::vector<Page>> ReadAll(Connection& connection, io::File& database) {
    std::vector<Page> pages;
    for (uint32_t page = 1; page <= connection.snapshot().database_pages; ++page) {
      Page bytes(kPageSize);
      const FrameNo frame = connection.FindFrame(PageNo(page));
      if (frame != FrameNo(0)) {
        STRATA_RETURN_IF_ERROR(connection.ReadFrame(frame, absl::MakeSpan(bytes)));
      } else {
        STRATA_RETURN_IF_ERROR(
            database.ReadAt((page - 1) * kPageSize, absl::MakeSpan(bytes)).status());
      }
      pages.push_back(std::move(bytes));
    }
    return pages;
  }

  static void ExpectWhole(const std::vector<Page>& pages, uint64_t frame) {
    if (pages.empty()) return;
    ASSERT_EQ(io::LoadLittleEndian<uint64_t>(pages[0].data() + kHashAt), HashOf(pages))
        << "snapshot " << frame;
  }

  absl::Status WriteOnce(Connection& connection, io::File& database, io::SeededRandom& random) {
    STRATA_RETURN_IF_ERROR(BeginWrite(connection));
    auto pages = ReadAll(connection, database);
    if (!pages.ok()) return pages.status();
    ExpectWhole(*pages, connection.snapshot().frame.value());
    while (pages->size() < kPages) pages->push_back(Page(kPageSize, 1));
    std::vector<PageRef> changed;
    const bool all = connection.snapshot().database_pages == 0;
    for (uint32_t i = 1; i < kPages; ++i) {
      if (!all && random.Next64() % 6 != 0) continue;
      for (size_t at = 0; at < kPageSize; at += 8) {
        io::StoreLittleEndian<uint64_t>((*pages)[i].data() + at, random.Next64());
      }
      changed.push_back({PageNo(i + 1), (*pages)[i].data()});
    }
    if (random.Next64() % 3 == 0 && !changed.empty()) {
      STRATA_RETURN_IF_ERROR(connection.Write(kPageSize, changed, false, 0, Durability::kNormal));
    }
    if (random.Next64() % 5 == 0) {
      connection.Undo();
    } else {
      io::StoreLittleEndian<uint64_t>((*pages)[0].data() + kHashAt, HashOf(*pages));
      changed.push_back({PageNo(1), (*pages)[0].data()});
      const Durability durability =
          random.Next64() % 4 == 0 ? Durability::kFull : Durability::kNormal;
      STRATA_RETURN_IF_ERROR(connection.Write(kPageSize, changed, true, kPages, durability));
    }
    STRATA_RETURN_IF_ERROR(connection.EndWrite());
    connection.EndRead();
    return absl::OkStatus();
  }

  void Writer(uint64_t seed, int transactions) {
    io::SeededRandom random(seed);
    Connection connection(log_);
    auto database = OpenDatabase();
    ASSERT_TRUE(database.ok());
    for (int i = 0; i < transactions && !HasFatalFailure(); ++i) {
      const absl::Status status = WriteOnce(connection, **database, random);
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  void Reader() {
    Connection connection(log_);
    auto database = OpenDatabase();
    ASSERT_TRUE(database.ok());
    FrameNo newest;
    while (writing_ && !HasFatalFailure()) {
      ASSERT_TRUE(connection.BeginRead().ok());
      ASSERT_GE(connection.snapshot().frame, newest);
      newest = connection.snapshot().frame;
      for (int twice = 0; twice < 2; ++twice) {
        const auto pages = ReadAll(connection, **database);
        ASSERT_TRUE(pages.ok()) << pages.status();
        ExpectWhole(*pages, newest.value());
      }
      connection.EndRead();
    }
  }

  void Checkpoints() {
    while (writing_) {
      const absl::Status status =
          log_->Checkpoint(log_->state().commits->visible_frame(), true, false);
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  const support::TemporaryDirectory directory_{"isolation"};
  RecordingLogger logger_;
  Options options_;
  std::shared_ptr<Log> log_;
  std::atomic<bool> writing_{true};
};

TEST_F(IsolationTest, EveryReaderSeesOneCommit) {
  constexpr int kWriters = 4;
#ifdef STRATA_SANITIZED
  constexpr int kTransactions = 250;
#else
  constexpr int kTransactions = 25'000;
#endif
  std::vector<std::thread> writers;
  std::vector<std::thread> others;
  for (uint64_t i = 1; i <= kWriters; ++i)
    writers.emplace_back([this, i] { Writer(i, kTransactions); });
  for (int i = 0; i < 2; ++i) others.emplace_back([this] { Reader(); });
  others.emplace_back([this] { Checkpoints(); });
  for (std::thread& thread : writers) thread.join();
  writing_ = false;
  for (std::thread& thread : others) thread.join();
  EXPECT_EQ(logger_.text(), "");
  EXPECT_GT(log_->state().index->floor(), FrameNo(0)) << "no checkpoint happened";

  const CommitPoint end = log_->state().commits->visible();
  log_.reset();  // as after a kill
  Open();
  EXPECT_EQ(log_->state().commits->visible().frame, end.frame);
  Connection connection(log_);
  auto database = OpenDatabase();
  ASSERT_TRUE(connection.BeginRead().ok());
  const auto pages = ReadAll(connection, **database);
  ASSERT_TRUE(pages.ok()) << pages.status();
  ASSERT_EQ(pages->size(), kPages);
  ExpectWhole(*pages, end.frame.value());
}

// A process that commits and then only sleeps: the background syncs, marks and checkpoints without
// another call.
TEST_F(IsolationTest, TheBackgroundWorksWhileTheApplicationSleeps) {
  Connection connection(log_);
  ASSERT_TRUE(CommitPages(connection, {{1, 5}, {2, 5}}, 2, Durability::kNormal).ok());
  const FrameNo tip = log_->state().commits->visible_frame();
  while (log_->state().commits->synced() < tip)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  log_->RequestCheckpoint();
  while (log_->state().index->floor() < tip)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(logger_.text(), "");
}

}  // namespace
}  // namespace strata::wal
