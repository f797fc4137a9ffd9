#include "tests/sqlite_surface/session.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

namespace strata::sqlite_surface {

namespace {

uint64_t Checksum(const std::vector<char>& bytes) {  // FNV-1a
  uint64_t hash = 14695981039346656037ull;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ull;
  return hash;
}

}  // namespace

Session::Session(const Library& library) : api_(library) {
  setenv("STRATA_WAL", "1", 1);
  std::filesystem::current_path(folder_);
}

Session::~Session() {
  for (sqlite3* db : connections_) {
    if (db != nullptr) api_.close_v2(db);
  }
  std::filesystem::current_path(folder_.parent_path());
}

std::string Session::NameOf(sqlite3* db) const {
  const auto at = std::find(connections_.begin(), connections_.end(), db);
  return "db" + std::to_string(at - connections_.begin());
}

sqlite3* Session::Open(const std::string& name, const std::string& parameters, int flags) {
  sqlite3* db = nullptr;
  const std::string file =
      parameters.empty() ? Path(name) : "file:" + Path(name) + "?" + parameters;
  const int rc = api_.open_v2(file.c_str(), &db, flags | SQLITE_OPEN_URI, nullptr);
  Note("open " + name + "?" + parameters, rc);
  if (rc != SQLITE_OK) {
    api_.close(db);
    return nullptr;
  }
  api_.extended_result_codes(db, 1);
  connections_.push_back(db);
  return db;
}

sqlite3* Session::OpenWal(const std::string& name) {
  sqlite3* db = Open(name);
  Run(db, "PRAGMA journal_mode=wal; CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b)");
  return db;
}

int Session::Close(sqlite3* db) {
  const int rc = api_.close(db);
  Note("close " + NameOf(db), rc);
  if (rc == SQLITE_OK)
    std::replace(connections_.begin(), connections_.end(), db, (sqlite3*)nullptr);
  return rc;
}

int Session::AddRows(sqlite3* db) {
  return Run(db,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200) "
             "INSERT INTO t(b) SELECT hex(zeroblob(200)) FROM n");
}

int Session::RunOne(sqlite3* db, const char* sql, const char** rest) {
  sqlite3_stmt* statement = nullptr;
  int rc = api_.prepare_v2(db, sql, -1, &statement, rest);
  const std::string text(sql, rc == SQLITE_OK ? *rest - sql : std::string(sql).size());
  if (rc == SQLITE_OK && statement == nullptr) return SQLITE_OK;  // white space
  std::string rows;
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = api_.step(statement);
    if (rc != SQLITE_ROW) break;
    rows += " [";
    for (int i = 0; i < api_.column_count(statement); ++i) {
      const auto* value = reinterpret_cast<const char*>(api_.column_text(statement, i));
      if (i > 0) rows += "|";
      if (i == 0 && value_.empty()) value_ = value == nullptr ? "NULL" : value;
      rows += value == nullptr ? "NULL" : value;
    }
    rows += "]";
  }
  const int finalized = api_.finalize(statement);
  if (rc == SQLITE_DONE) rc = finalized;
  Note(NameOf(db) + ": " + text + " =>" + rows + " " + std::to_string(rc) +
       (rc == SQLITE_OK ? "" : std::string(" ") + api_.errmsg(db)) + " changes " +
       std::to_string(api_.changes(db)) + " of " + std::to_string(api_.total_changes(db)) +
       " row " + std::to_string(api_.last_insert_rowid(db)) + " txn " +
       std::to_string(api_.txn_state(db, "main")));
  return rc;
}

int Session::Run(sqlite3* db, const std::string& sql) {
  const char* rest = sql.c_str();
  int rc = SQLITE_OK;
  value_.clear();
  while (rc == SQLITE_OK && *rest != '\0') rc = RunOne(db, rest, &rest);
  return rc;
}

std::string Session::Value(sqlite3* db, const std::string& sql) {
  Run(db, sql);
  return value_;
}

void Session::NotePages(const std::string& name, size_t page_size) {
  std::ifstream file(Path(name), std::ios::binary);
  std::vector<char> page(page_size);
  for (int number = 1; file.read(page.data(), static_cast<std::streamsize>(page.size())); ++number)
    Note("page " + std::to_string(number) + " " + std::to_string(Checksum(page)));
  Note("bytes", static_cast<int64_t>(std::filesystem::file_size(Path(name))));
}

void ExpectSame(const std::function<void(Session&)>& steps) {
  Session stock(Library::Stock());
  steps(stock);
  Session strata(Library::Strata());
  steps(strata);
  EXPECT_FALSE(stock.transcript().empty());
  EXPECT_EQ(stock.transcript(), strata.transcript());
}

}  // namespace strata::sqlite_surface
