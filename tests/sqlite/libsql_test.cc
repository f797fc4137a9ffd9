// The engine behind libSQL's own table: what tests/sqlite/libsql_adapter.c makes of it.

#include <cstring>
#include <map>

#include "tests/sqlite/libsql_adapter.h"
#include "tests/sqlite/table_fixture.h"

// What the adapter asks of libSQL.
extern "C" {
void* sqlite3_malloc(int bytes) { return malloc(static_cast<size_t>(bytes)); }
void sqlite3_free(void* memory) { free(memory); }
const char* sqlite3_filename_wal(const char* database) {
  static auto* names = new std::map<std::string, std::string>;
  return names->try_emplace(database, std::string(database) + "-wal").first->second.c_str();
}
}

namespace strata::sqlite_test {
namespace {

class LibsqlTest : public TableTest {
 protected:
  void SetUp() override {
    TableTest::SetUp();
    strata_libsql_manager(&engine(), &manager_);
    ASSERT_EQ(manager_.xOpen(manager_.pData, nullptr, &file_, 0, -1, database_.c_str(), &wal_),
              SQLITE_OK);
  }
  void TearDown() override {
    std::vector<uint8_t> buffer(kPageBytes);
    EXPECT_EQ(
        manager_.xClose(manager_.pData, wal_.pData, db(), kFullSync, kPageBytes, buffer.data()),
        SQLITE_OK);
    manager_.xDestroy(manager_.pData);
  }

  sqlite3* db() { return reinterpret_cast<sqlite3*>(connection()); }
  libsql_wal_methods& methods() { return wal_.methods; }

  // One frame, as libSQL takes over a replica's; returns how many frames libSQL was told of.
  int Insert(unsigned int page, uint8_t fill, unsigned int database_pages) {
    std::vector<uint8_t> bytes = PageOf(fill);
    libsql_pghdr header = {};
    header.pData = bytes.data();
    header.pgno = page;
    int appended = -1;
    EXPECT_EQ(methods().xFrames(wal_.pData, kPageBytes, &header, database_pages,
                                database_pages != 0, kFullSync, &appended),
              SQLITE_OK);
    return appended;
  }
  void Begin() {
    int changed = 0;
    ASSERT_EQ(methods().xBeginReadTransaction(wal_.pData, &changed), SQLITE_OK);
    ASSERT_EQ(methods().xBeginWriteTransaction(wal_.pData), SQLITE_OK);
  }
  void End() {
    ASSERT_EQ(methods().xEndWriteTransaction(wal_.pData), SQLITE_OK);
    methods().xEndReadTransaction(wal_.pData);
  }

  libsql_wal_manager manager_ = {};
  libsql_wal wal_ = {};
};

TEST_F(LibsqlTest, EveryMethodIsThere) {
  EXPECT_EQ(methods().iVersion, 2);
  EXPECT_EQ(manager_.bUsesShm, 0);
  const auto* first = reinterpret_cast<void* const*>(&methods().xLimit);
  const auto* last = reinterpret_cast<void* const*>(&methods().xSavepointForget);
  EXPECT_EQ(last - first + 1, 28);
  for (const auto* entry = first; entry <= last; ++entry)
    EXPECT_NE(*entry, nullptr) << entry - first;
}

TEST_F(LibsqlTest, FramesAreTakenOverCommitByCommit) {
  Begin();
  EXPECT_EQ(Insert(1, 'a', 0), 0);
  EXPECT_EQ(Insert(2, 'b', 2), 1);
  EXPECT_EQ(Insert(2, 'c', 2), 1);
  unsigned int frames = 0;
  ASSERT_EQ(methods().xFrameCount(wal_.pData, 1, &frames), SQLITE_OK);
  EXPECT_EQ(frames, 3u);
  End();
  std::vector<uint8_t> raw(STRATA_RAW_HEADER_BYTES + kPageBytes);
  const int bytes = static_cast<int>(raw.size());
  ASSERT_EQ(methods().xReadFrameRaw(wal_.pData, 2, bytes, raw.data()), SQLITE_OK);
  EXPECT_EQ(raw[3], 2);  // page
  EXPECT_EQ(raw[7], 2);  // pages of the database: a commit
  EXPECT_EQ(raw.back(), 'b');
  EXPECT_EQ(methods().xFramesize(wal_.pData), kPageBytes);
  EXPECT_EQ(methods().xCallback(wal_.pData), 3);
}

TEST_F(LibsqlTest, PagesAreFoundAndTakenBack) {
  Begin();
  Insert(1, 'a', 1);
  End();
  Begin();
  unsigned int savepoint[4];
  methods().xSavepoint(wal_.pData, savepoint);
  Insert(1, 'b', 0);
  methods().xSavepointForget(wal_.pData, savepoint);
  ASSERT_EQ(methods().xSavepointUndo(wal_.pData, savepoint), SQLITE_OK);
  unsigned int frame = 0;
  std::vector<uint8_t> page(kPageBytes);
  ASSERT_EQ(methods().xFindFrame(wal_.pData, 1, &frame), SQLITE_OK);
  EXPECT_EQ(frame, 1u);
  ASSERT_EQ(methods().xReadFrame(wal_.pData, frame, kPageBytes, page.data()), SQLITE_OK);
  EXPECT_EQ(page.front(), 'a');
  Insert(1, 'c', 0);
  const auto nothing = [](void*, unsigned int) { return SQLITE_OK; };
  ASSERT_EQ(methods().xUndo(wal_.pData, nothing, nullptr), SQLITE_OK);
  EXPECT_EQ(methods().xDbsize(wal_.pData), 1u);
  End();
}

TEST_F(LibsqlTest, CheckpointCallsBackForEachPage) {
  Begin();
  Insert(1, 'a', 1);
  End();
  std::vector<int> pages;
  const auto note = [](void* to, int, const unsigned char*, int, int page, int) {
    static_cast<std::vector<int>*>(to)->push_back(page);
    return SQLITE_OK;
  };
  std::vector<uint8_t> buffer(kPageBytes);
  int frames = 0;
  int copied = 0;
  ASSERT_EQ(
      methods().xCheckpoint(wal_.pData, db(), SQLITE_CHECKPOINT_FULL, nullptr, nullptr, kFullSync,
                            kPageBytes, buffer.data(), &frames, &copied, note, &pages),
      SQLITE_OK);
  EXPECT_EQ(pages, (std::vector<int>{1, 0}));
  EXPECT_EQ(frames, 1);
  EXPECT_EQ(copied, 1);
  EXPECT_EQ(DatabaseBytes(), std::string(kPageBytes, 'a'));
}

TEST_F(LibsqlTest, SnapshotIsOpenedAgain) {
  Begin();
  Insert(1, 'a', 1);
  End();
  int changed = 0;
  ASSERT_EQ(methods().xBeginReadTransaction(wal_.pData, &changed), SQLITE_OK);
  sqlite3_snapshot* snapshot = nullptr;
  ASSERT_EQ(methods().xSnapshotGet(wal_.pData, &snapshot), SQLITE_OK);
  methods().xEndReadTransaction(wal_.pData);
  Begin();
  Insert(1, 'b', 1);
  End();
  EXPECT_EQ(methods().xSnapshotRecover(wal_.pData), SQLITE_OK);
  ASSERT_EQ(methods().xSnapshotCheck(wal_.pData, snapshot), SQLITE_OK);
  methods().xSnapshotOpen(wal_.pData, snapshot);
  ASSERT_EQ(methods().xBeginReadTransaction(wal_.pData, &changed), SQLITE_OK);
  methods().xSnapshotUnlock(wal_.pData);
  unsigned int frame = 0;
  ASSERT_EQ(methods().xFindFrame(wal_.pData, 1, &frame), SQLITE_OK);
  EXPECT_EQ(frame, 1u);
  methods().xEndReadTransaction(wal_.pData);
  methods().xSnapshotOpen(wal_.pData, nullptr);
  sqlite3_free(snapshot);
}

TEST_F(LibsqlTest, ManagerKnowsTheLog) {
  int exists = 0;
  Begin();
  Insert(1, 'a', 1);
  End();
  ASSERT_EQ(manager_.xLogExists(manager_.pData, nullptr, database_.c_str(), &exists), SQLITE_OK);
  EXPECT_NE(exists, 0);
  // In use: it stays, as when SQLite's pager finds an empty database beside another's log.
  EXPECT_EQ(manager_.xLogDestroy(manager_.pData, nullptr, database_.c_str()), SQLITE_OK);
  EXPECT_TRUE(std::filesystem::is_directory(log_));
  EXPECT_EQ(methods().xWriteLock(wal_.pData, 1), SQLITE_OK);
  EXPECT_EQ(methods().xWriteLock(wal_.pData, 0), SQLITE_OK);
  methods().xDb(wal_.pData, db());
  methods().xLimit(wal_.pData, 0);
  EXPECT_EQ(methods().xExclusiveMode(wal_.pData, -1), 1);
  EXPECT_EQ(methods().xHeapMemory(wal_.pData), 0);
  EXPECT_EQ(methods().xFile(wal_.pData)->pMethods, nullptr);
}

}  // namespace
}  // namespace strata::sqlite_test
