#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/sqlite/table_host.h"
#include "tests/support/temporary_directory.h"

namespace strata::sqlite_test {

constexpr int kPageBytes = 4096;
constexpr int kFullSync = 2 | 2 << 2;  // synchronous=FULL, as pager.c passes it

// A page of one byte repeated.
inline std::vector<uint8_t> PageOf(uint8_t fill) { return std::vector<uint8_t>(kPageBytes, fill); }

// The engine's table alone, over an empty database file in a folder of its own.
class TableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(database_).close();
    strata_engine_attach(TableHost());
  }

  const strata_wal_methods& engine() const { return *strata_engine_methods(); }

  strata_wal* Open() {
    strata_wal_open_args arguments = {};
    arguments.database = &file_;
    arguments.wal_name = log_.c_str();
    arguments.size_limit = -1;
    strata_wal* wal = nullptr;
    EXPECT_EQ(engine().open(&arguments, &wal), SQLITE_OK) << engine().last_error();
    return wal;
  }
  void Close(strata_wal* wal) {
    std::vector<uint8_t> buffer(kPageBytes);
    EXPECT_EQ(engine().close(wal, connection(), kFullSync, kPageBytes, buffer.data(), 0),
              SQLITE_OK);
  }

  // Writes pages (number, fill); with `database_pages`, as the end of the transaction.
  int Append(strata_wal* wal, const std::vector<std::pair<uint32_t, uint8_t>>& pages,
             uint32_t database_pages) {
    std::vector<std::vector<uint8_t>> bytes;
    std::vector<strata_wal_page> list;
    for (const auto& [number, fill] : pages) bytes.push_back(PageOf(fill));
    for (size_t i = 0; i < pages.size(); ++i) list.push_back({pages[i].first, bytes[i].data()});
    return engine().frames(wal, kPageBytes, list.data(), list.size(), database_pages,
                           database_pages != 0, kFullSync);
  }

  // A whole transaction of one commit.
  void Commit(strata_wal* wal, const std::vector<std::pair<uint32_t, uint8_t>>& pages,
              uint32_t database_pages) {
    int changed = 0;
    ASSERT_EQ(engine().begin_read(wal, &changed), SQLITE_OK);
    ASSERT_EQ(engine().begin_write(wal), SQLITE_OK);
    ASSERT_EQ(Append(wal, pages, database_pages), SQLITE_OK);
    ASSERT_EQ(engine().end_write(wal), SQLITE_OK);
    engine().end_read(wal);
  }

  // The first byte of a page as `wal` sees it in the log; -1: to be read from the database file.
  int PageInLog(strata_wal* wal, uint32_t page) {
    uint32_t token = 0;
    EXPECT_EQ(engine().find_frame(wal, page, &token), SQLITE_OK);
    if (token == 0) return -1;
    std::vector<uint8_t> bytes(kPageBytes);
    EXPECT_EQ(engine().read_frame(wal, token, kPageBytes, bytes.data()), SQLITE_OK);
    EXPECT_EQ(bytes.front(), bytes.back());
    return bytes.front();
  }

  uint32_t FrameCount(strata_wal* wal) {
    uint32_t frames = 0;
    EXPECT_EQ(engine().frame_count(wal, 0, &frames), SQLITE_OK);
    return frames;
  }

  int Checkpoint(strata_wal* wal, int mode, int* frames, int* copied) {
    std::vector<uint8_t> buffer(kPageBytes);
    return engine().checkpoint(wal, connection(), mode, nullptr, nullptr, kFullSync, kPageBytes,
                               buffer.data(), frames, copied);
  }

  std::string DatabaseBytes() const {
    std::ifstream in(database_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Opaque to the engine.
  strata_sqlite_connection* connection() {
    return reinterpret_cast<strata_sqlite_connection*>(&opaque_);
  }

  const support::TemporaryDirectory folder_{"table"};
  const std::string database_ = folder_.path() + "/app.db";
  const std::string log_ = database_ + "-wal";
  sqlite3_file file_ = {};
  int opaque_ = 0;
};

}  // namespace strata::sqlite_test
