#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <string>

// SQLite's interface, taken from a shared library that is chosen at run time, so that stock and
// Strata run the very same driver.
namespace strata::bench {

// clang-format off
#define STRATA_BENCH_CALLS(X) \
  X(open_v2) X(close) X(exec) X(prepare_v2) X(step) X(reset) X(finalize) X(bind_int64) \
  X(bind_text) X(column_int64) X(column_text) X(errmsg) X(extended_errcode) X(busy_timeout) \
  X(libversion) X(sourceid) X(compileoption_get) X(wal_checkpoint_v2)
// clang-format on

class Library {
 public:
  explicit Library(const std::string& path);  // throws when it is not there or lacks a call

#define STRATA_BENCH_DECLARE(name) decltype(&sqlite3_##name) name = nullptr;
  STRATA_BENCH_CALLS(STRATA_BENCH_DECLARE)
#undef STRATA_BENCH_DECLARE
};

// An error of SQLite, or of what a workload expected of it.
class BenchError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One connection, of one thread. All errors are thrown.
class Connection {
 public:
  Connection(const Library& library, const std::string& uri, int busy_timeout_ms = 60'000);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Execute(const std::string& sql);
  int64_t Number(const std::string& sql);  // first column of the first row
  std::string Text(const std::string& sql);

  const Library& library() const { return library_; }
  sqlite3* get() const { return db_; }
  [[noreturn]] void Fail(const std::string& what) const;

 private:
  const Library& library_;
  sqlite3* db_ = nullptr;
};

class Statement {
 public:
  Statement(Connection* connection, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int at, int64_t value);
  Statement& Bind(int at, const std::string& text);  // must outlive the next Step or Run
  bool Step();                                       // whether there is a row
  void Reset();
  int64_t Run();  // steps to the end and resets; returns the number of rows
  int TryRun();   // the same, with the extended result code; SQLITE_OK at the end
  int64_t Column(int at) const;
  const char* TextColumn(int at) const;

 private:
  Connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace strata::bench
