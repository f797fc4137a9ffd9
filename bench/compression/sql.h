#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sqlite3.h"

namespace strata::bench {

// A connection for benchmarks: every error ends the program with its message.
class Sql {
 public:
  explicit Sql(const std::string& name);
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;
  ~Sql() { Close(); }

  void Run(const std::string& sql);
  int64_t Number(const std::string& sql);  // first column of the first row
  void Close();
  sqlite3* handle() { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

// A prepared statement; values are bound in order, then it is stepped.
class Statement {
 public:
  Statement(Sql& sql, const std::string& text);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(handle_); }

  Statement& Bind(int64_t value);
  Statement& Bind(const std::string& text);
  Statement& BindBlob(const void* bytes, size_t length);
  bool Step();   // true: a row
  void Reset();  // and starts binding anew
  void Execute() {
    Step();
    Reset();
  }
  int64_t ColumnNumber(int i) { return sqlite3_column_int64(handle_, i); }
  std::string ColumnBytes(int i);

 private:
  void Check(int code);

  sqlite3* const database_;
  sqlite3_stmt* handle_ = nullptr;
  int bound_ = 0;
};

}  // namespace strata::bench
