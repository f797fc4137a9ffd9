#include "bench/sqlite_api.h"

#include <dlfcn.h>

namespace strata::bench {

namespace {

void* Symbol(void* library, const std::string& name) {
  void* symbol = ::dlsym(library, name.c_str());
  if (symbol == nullptr) throw BenchError("no " + name + " in the library");
  return symbol;
}

}  // namespace

Library::Library(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw BenchError(path + ": " + ::dlerror());
#define STRATA_BENCH_FIND(name) \
  name = reinterpret_cast<decltype(name)>(Symbol(handle, "sqlite3_" #name));
  STRATA_BENCH_CALLS(STRATA_BENCH_FIND)
#undef STRATA_BENCH_FIND
}

Connection::Connection(const Library& library, const std::string& uri, int busy_timeout_ms)
    : library_(library) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
  if (library_.open_v2(uri.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    const std::string message = std::string(uri) + ": " + library_.errmsg(db_);
    library_.close(db_);
    throw BenchError(message);
  }
  library_.busy_timeout(db_, busy_timeout_ms);
}

Connection::~Connection() { library_.close(db_); }

void Connection::Fail(const std::string& what) const {
  throw BenchError(what + ": " + library_.errmsg(db_) + " (" +
                   std::to_string(library_.extended_errcode(db_)) + ")");
}

void Connection::Execute(const std::string& sql) {
  if (library_.exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) Fail(sql);
}

int64_t Connection::Number(const std::string& sql) {
  Statement statement(this, sql);
  if (!statement.Step()) throw BenchError(sql + ": no row");
  return statement.Column(0);
}

std::string Connection::Text(const std::string& sql) {
  Statement statement(this, sql);
  if (!statement.Step()) throw BenchError(sql + ": no row");
  const char* text = statement.TextColumn(0);
  return text == nullptr ? "" : text;
}

Statement::Statement(Connection* connection, const std::string& sql) : connection_(*connection) {
  if (connection_.library().prepare_v2(connection_.get(), sql.c_str(), -1, &statement_, nullptr) !=
      SQLITE_OK) {
    connection_.Fail(sql);
  }
}

Statement::~Statement() { connection_.library().finalize(statement_); }

Statement& Statement::Bind(int at, int64_t value) {
  connection_.library().bind_int64(statement_, at, value);
  return *this;
}

Statement& Statement::Bind(int at, const std::string& text) {
  connection_.library().bind_text(statement_, at, text.data(), static_cast<int>(text.size()),
                                  SQLITE_STATIC);
  return *this;
}

bool Statement::Step() {
  const int rc = connection_.library().step(statement_);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) connection_.Fail("step");
  return rc == SQLITE_ROW;
}

void Statement::Reset() { connection_.library().reset(statement_); }

int64_t Statement::Run() {
  int64_t rows = 0;
  while (Step()) ++rows;
  Reset();
  return rows;
}

int Statement::TryRun() {
  int rc = SQLITE_ROW;
  while (rc == SQLITE_ROW) rc = connection_.library().step(statement_);
  if (rc != SQLITE_DONE) rc = connection_.library().extended_errcode(connection_.get());
  Reset();
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int64_t Statement::Column(int at) const {
  return connection_.library().column_int64(statement_, at);
}

const char* Statement::TextColumn(int at) const {
  return reinterpret_cast<const char*>(connection_.library().column_text(statement_, at));
}

}  // namespace strata::bench
