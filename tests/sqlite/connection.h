#pragma once

#include <string>
#include <vector>

#include "sqlite3.h"

namespace strata::sqlite_test {

// A connection for tests; every call keeps the result code and the message of the last one.
class Connection {
 public:
  explicit Connection(const std::string& name,
                      int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    result_ = sqlite3_open_v2(name.c_str(), &handle_, flags | SQLITE_OPEN_URI, nullptr);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { Close(); }

  int Run(const std::string& sql) {
    rows_.clear();
    return result_ = sqlite3_exec(handle_, sql.c_str(), &Connection::KeepRow, this, nullptr);
  }
  // The first column of the first row.
  std::string Value(const std::string& sql) {
    Run(sql);
    return result_ == SQLITE_OK && !rows_.empty() ? rows_.front() : "error: " + Message();
  }
  int Close() {
    if (handle_ != nullptr) result_ = sqlite3_close(handle_);
    handle_ = nullptr;
    return result_;
  }

  int result() const { return result_; }
  std::string Message() const { return sqlite3_errmsg(handle_); }
  sqlite3* handle() { return handle_; }

 private:
  static int KeepRow(void* self, int columns, char** values, char**) {
    static_cast<Connection*>(self)->rows_.emplace_back(columns > 0 && values[0] ? values[0] : "");
    return 0;
  }

  sqlite3* handle_ = nullptr;
  int result_ = SQLITE_OK;
  std::vector<std::string> rows_;
};

}  // namespace strata::sqlite_test
