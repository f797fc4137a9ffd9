// The engine's table when memory lacks: the n-th allocation of the calling thread fails, for every
// n, once or from then on. SQLite's own tests of this kind (mallocG.test, swarmvtabfault.test) go
// on with the same database, so that whatever such a failure leaves behind is found there.

#include <cstdlib>
#include <functional>
#include <new>

#include "tests/sqlite/table_fixture.h"

namespace {

// Allocations of this thread until one is refused; negative: none is.
thread_local int64_t allocations_left = -1;
thread_local bool refuse_ever_after = false;
thread_local int refused = 0;

bool Refuse() {
  if (allocations_left < 0 || allocations_left-- > 0) return false;
  if (refuse_ever_after) allocations_left = 0;
  ++refused;
  return true;
}

}  // namespace

void* operator new(size_t bytes) {
  void* memory = Refuse() ? nullptr : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace strata::sqlite_test {
namespace {

class MemoryTest : public TableTest, public ::testing::WithParamInterface<bool> {
 protected:
  // Lets `step` run with the n-th allocation refused, for every n until none is, each time between
  // `before` and `after`.
  void AtEveryAllocation(const std::function<void()>& before, const std::function<int()>& step,
                         const std::function<void(int rc)>& after) {
    for (int n = 0;; ++n) {
      SCOPED_TRACE("allocation " + std::to_string(n));
      before();
      refused = 0;
      refuse_ever_after = GetParam();
      allocations_left = n;
      const int rc = step();
      allocations_left = -1;
      const bool any = refused > 0;
      EXPECT_TRUE(rc == SQLITE_OK || (any && rc == SQLITE_NOMEM)) << rc;
      after(rc);
      if (HasFailure()) return;
      if (!any) {
        EXPECT_GT(n, 0);
        return;
      }
    }
  }

  int TryOpen(strata_wal** wal) {
    strata_wal_open_args arguments = {};
    arguments.database = &file_;
    arguments.wal_name = log_.c_str();
    arguments.size_limit = -1;
    return engine().open(&arguments, wal);
  }

  int TryClose(strata_wal* wal) {
    return engine().close(wal, connection(), kFullSync, kPageBytes, buffer_.data(), 0);
  }

  int TryCheckpoint(strata_wal* wal) {
    return engine().checkpoint(wal, connection(), STRATA_CHECKPOINT_TRUNCATE, nullptr, nullptr,
                               kFullSync, kPageBytes, buffer_.data(), nullptr, nullptr);
  }

  bool LogIsThere() const { return std::filesystem::exists(log_); }

  // What a page is to a connection that comes now: its first byte.
  int Page(uint32_t page) {
    strata_wal* reader = Open();
    int changed = 0;
    EXPECT_EQ(engine().begin_read(reader, &changed), SQLITE_OK);
    int fill = PageInLog(reader, page);
    if (fill < 0) fill = DatabaseBytes().at((page - 1) * kPageBytes);
    engine().end_read(reader);
    Close(reader);
    return fill;
  }

  std::vector<uint8_t> buffer_ = PageOf(0);
  const std::vector<uint8_t> fill_ = PageOf('b');
  const strata_wal_page pages_[2] = {{1, fill_.data()}, {2, fill_.data()}};
};

// Stands for walfault.test of SQLite's suite.
TEST_P(MemoryTest, OpeningThatFailsLeavesNoLogOpen) {
  strata_wal* wal = nullptr;
  AtEveryAllocation([&] { wal = nullptr; }, [&] { return TryOpen(&wal); },
                    [&](int rc) {
                      EXPECT_EQ(rc == SQLITE_OK, wal != nullptr);
                      if (wal != nullptr) Close(wal);
                      wal = Open();
                      Commit(wal, {{1, 'a'}}, 1);
                      Close(wal);  // the last one, which removes the log
                      EXPECT_FALSE(LogIsThere());
                    });
}

TEST_P(MemoryTest, JoiningThatFailsLeavesNoLogOpen) {
  strata_wal* first = nullptr;
  strata_wal* second = nullptr;
  AtEveryAllocation(
      [&] {
        first = Open();
        second = nullptr;
      },
      [&] { return TryOpen(&second); },
      [&](int) {
        if (second != nullptr) Close(second);
        Commit(first, {{1, 'a'}}, 1);
        Close(first);
        EXPECT_FALSE(LogIsThere());
      });
}

TEST_P(MemoryTest, CommitThatFailsIsTakenBackAndCanBeRepeated) {
  strata_wal* wal = Open();
  Commit(wal, {{1, 'a'}, {2, 'a'}}, 2);
  int changed = 0;
  const auto write = [&] {
    int rc = engine().begin_read(wal, &changed);
    if (rc == SQLITE_OK) rc = engine().begin_write(wal);
    if (rc == SQLITE_OK) rc = engine().frames(wal, kPageBytes, pages_, 1, 0, 0, kFullSync);
    if (rc == SQLITE_OK) rc = engine().frames(wal, kPageBytes, pages_, 2, 2, 1, kFullSync);
    return rc;
  };
  AtEveryAllocation([] {}, write,
                    [&](int rc) {
                      const auto undo = [](void*, uint32_t) { return SQLITE_OK; };
                      if (rc != SQLITE_OK) EXPECT_EQ(engine().undo(wal, undo, nullptr), SQLITE_OK);
                      EXPECT_EQ(engine().end_write(wal), SQLITE_OK);
                      engine().end_read(wal);
                      EXPECT_EQ(Page(2), rc == SQLITE_OK ? 'b' : 'a');
                      Commit(wal, {{2, 'c'}}, 2);
                      EXPECT_EQ(Page(2), 'c');
                      Commit(wal, {{2, 'a'}}, 2);
                    });
  Close(wal);
  EXPECT_FALSE(LogIsThere());
}

TEST_P(MemoryTest, CheckpointThatFailsCanBeRepeated) {
  strata_wal* wal = Open();
  uint8_t fill = 0;
  AtEveryAllocation(
      [&] {
        Commit(wal, {{1, ++fill}, {2, fill}}, 2);
      },
      [&] { return TryCheckpoint(wal); },
      [&](int) {
        EXPECT_EQ(Page(2), fill);
        EXPECT_EQ(TryCheckpoint(wal), SQLITE_OK);
        EXPECT_EQ(DatabaseBytes().at(kPageBytes), static_cast<char>(fill));
      });
  Close(wal);
  EXPECT_FALSE(LogIsThere());
}

TEST_P(MemoryTest, CloseThatFailsLosesNothing) {
  strata_wal* wal = nullptr;
  uint8_t fill = 0;
  AtEveryAllocation(
      [&] {
        wal = Open();
        Commit(wal, {{1, ++fill}}, 1);
      },
      [&] { return TryClose(wal); },
      [&](int) {
        wal = Open();
        Close(wal);
        EXPECT_FALSE(LogIsThere());
        EXPECT_EQ(DatabaseBytes().at(0), static_cast<char>(fill));
      });
}

INSTANTIATE_TEST_SUITE_P(Once, MemoryTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(FromThenOn, MemoryTest, ::testing::Values(true));

}  // namespace
}  // namespace strata::sqlite_test
