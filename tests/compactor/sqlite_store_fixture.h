#pragma once

#include <sqlite3.h>

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/compactor/store_fixture.h"

namespace strata::compactor {

// A store whose segments hold the pages of a real SQLite database.
class SqliteStoreFixture : public StoreFixture {
 protected:
  // Follows a real SQLite database from commit to commit.
  void FollowSqlite(ModelLog* log, int transactions, bool base_first) {
    const std::string path = directory() + "/real.db";
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    Execute(database, "PRAGMA page_size=1024; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    std::vector<PageBytes> before;
    if (base_first) {
      before = PagesOf(path, 1024);
      log->ShipBase(before);
    }
    for (int i = 0; i < transactions; ++i) {
      if (i % 7 == 6) {
        Execute(database, "DELETE FROM t WHERE id % 2; VACUUM");
      } else {
        Execute(database, "INSERT INTO t(v) VALUES(randomblob(900)), (randomblob(3000))");
      }
      std::vector<PageBytes> after = PagesOf(path, 1024);
      std::map<uint32_t, PageBytes> changed;
      for (uint32_t p = 0; p < after.size(); ++p) {
        if (p >= before.size() || before[p] != after[p]) changed[p + 1] = after[p];
      }
      if (!changed.empty()) log->Commit(changed, static_cast<uint32_t>(after.size()));
      before = after;
      if (i % 3 == 2 || i + 1 == transactions) log->ShipSealed();
    }
    sqlite3_close(database);
  }

  static void Execute(sqlite3* database, const char* sql) {
    ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
  }

  static std::vector<PageBytes> PagesOf(const std::string& path, size_t page_size) {
    std::vector<uint8_t> bytes = ReadFile(path);
    std::vector<PageBytes> pages;
    for (size_t at = 0; at < bytes.size(); at += page_size) {
      pages.emplace_back(bytes.begin() + at, bytes.begin() + at + page_size);
    }
    return pages;
  }
};

}  // namespace strata::compactor
