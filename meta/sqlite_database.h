#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

// The few things that Strata's own databases need of SQLite's C interface, with statuses for
// errors.
namespace strata::meta {

// A prepared statement. Bind, Step until false, Reset to run it again. One thread at a time; its
// database must outlive it.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters are numbered from 1. Errors come out at Step.
  Statement& Bind(int parameter, int64_t value);
  Statement& Bind(int parameter, absl::string_view value);

  // True when there is a row, false at the end.
  absl::StatusOr<bool> Step();

  // Steps to the end, from the start the next time.
  absl::Status Run();
  void Reset();

  // Columns are numbered from 0; NULL is 0 or "".
  int64_t Integer(int column) const;
  std::string Text(int column) const;
  absl::string_view TextView(int column) const;  // valid until the next Step

 private:
  friend class SqliteDatabase;
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

// One connection. One thread at a time.
class SqliteDatabase {
 public:
  enum class Access { kReadWriteCreate, kReadOnlyImmutable };

  // Always with the built-in WAL. Immutable: nothing besides the file itself is looked at or
  // written.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path,
                                                              Access access);
  ~SqliteDatabase();

  // Runs any number of statements and drops their rows.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(absl::string_view sql);
  int64_t last_insert_id() const;
  int64_t changes() const;

 private:
  SqliteDatabase(sqlite3* database, std::string path)
      : database_(database), path_(std::move(path)) {}

  sqlite3* const database_;
  const std::string path_;
};

// A write transaction: rolled back by the destructor unless committed.
class Transaction {
 public:
  static absl::StatusOr<Transaction> Begin(SqliteDatabase* database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  absl::Status Commit();

 private:
  explicit Transaction(SqliteDatabase* database) : database_(database) {}
  SqliteDatabase* database_;
};

}  // namespace strata::meta
