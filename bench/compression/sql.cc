#include "bench/compression/sql.h"

#include <cstdio>
#include <cstdlib>

namespace strata::bench {
namespace {

[[noreturn]] void Fail(sqlite3* handle, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), sqlite3_errmsg(handle));
  std::exit(1);
}

}  // namespace

Sql::Sql(const std::string& name) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
  if (sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr) != SQLITE_OK) Fail(handle_, name);
}

void Sql::Run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    Fail(handle_, sql);
}

int64_t Sql::Number(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.ColumnNumber(0) : 0;
}

void Sql::Close() {
  if (handle_ != nullptr && sqlite3_close(handle_) != SQLITE_OK) Fail(handle_, "close");
  handle_ = nullptr;
}

Statement::Statement(Sql& sql, const std::string& text) : database_(sql.handle()) {
  Check(sqlite3_prepare_v2(database_, text.c_str(), -1, &handle_, nullptr));
}

void Statement::Check(int code) {
  if (code != SQLITE_OK) Fail(database_, "statement");
}

Statement& Statement::Bind(int64_t value) {
  Check(sqlite3_bind_int64(handle_, ++bound_, value));
  return *this;
}

Statement& Statement::Bind(const std::string& text) {
  Check(sqlite3_bind_text(handle_, ++bound_, text.data(), static_cast<int>(text.size()),
                          SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::BindBlob(const void* bytes, size_t length) {
  Check(sqlite3_bind_blob(handle_, ++bound_, bytes, static_cast<int>(length), SQLITE_TRANSIENT));
  return *this;
}

bool Statement::Step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Fail(database_, "step");
  return false;
}

void Statement::Reset() {
  Check(sqlite3_reset(handle_));
  bound_ = 0;
}

std::string Statement::ColumnBytes(int i) {
  const void* bytes = sqlite3_column_blob(handle_, i);
  const size_t length = static_cast<size_t>(sqlite3_column_bytes(handle_, i));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), length);
}

}  // namespace strata::bench
