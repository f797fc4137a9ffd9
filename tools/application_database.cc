#include "tools/application_database.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "io/posix_file_system.h"

namespace strata::tools {
namespace {

constexpr int kBusyMs = 5000;

// Bytes that have a meaning in a URI are written as %xx.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '%' || c == '?' || c == '#' || c == '&') {
      absl::StrAppend(&escaped, "%", absl::Hex(c, absl::kZeroPad2));
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

// The path alone would be taken for a host where it begins with two slashes.
std::string UriOf(const std::string& path, const ApplicationDatabase::Parameters& parameters) {
  std::string uri = absl::StrCat("file:", path[0] == '/' ? "//" : "", Escaped(path));
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    absl::StrAppend(&uri, std::string(1, separator), name, "=", Escaped(value));
    separator = '&';
  }
  return uri;
}

absl::Status StatusOf(int rc, const std::string& message) {
  switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(message);
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::FailedPreconditionError(message);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApplicationDatabase>> ApplicationDatabase::Open(
    const std::string& path, const Parameters& parameters) {
  const absl::Status there = io::PosixFileSystem().Stat(path).status();
  if (!there.ok()) return there;
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI;
  const int rc = sqlite3_open_v2(UriOf(path, parameters).c_str(), &handle, flags, nullptr);
  std::unique_ptr<ApplicationDatabase> database(new ApplicationDatabase(handle, path));
  if (rc != SQLITE_OK) return database->Failure(rc);
  sqlite3_busy_timeout(handle, kBusyMs);
  return database;
}

ApplicationDatabase::~ApplicationDatabase() { sqlite3_close_v2(database_); }

absl::Status ApplicationDatabase::Failure(int rc) const {
  if (rc == SQLITE_OK) return absl::OkStatus();
  return StatusOf(rc, absl::StrCat(path_, ": ", sqlite3_errmsg(database_)));
}

absl::Status ApplicationDatabase::Execute(const std::string& sql) {
  return Failure(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
}

absl::StatusOr<std::string> ApplicationDatabase::Text(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr);
  if (prepared != SQLITE_OK) return Failure(prepared);
  std::string text;
  const int stepped = sqlite3_step(statement);
  if (stepped == SQLITE_ROW && sqlite3_column_text(statement, 0) != nullptr)
    text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  const absl::Status failure =
      stepped == SQLITE_ROW || stepped == SQLITE_DONE ? absl::OkStatus() : Failure(stepped);
  sqlite3_finalize(statement);
  if (!failure.ok()) return failure;
  return text;
}

absl::StatusOr<int64_t> ApplicationDatabase::Integer(const std::string& sql) {
  absl::StatusOr<std::string> text = Text(sql);
  if (!text.ok()) return text.status();
  return std::strtoll(text->c_str(), nullptr, 10);
}

absl::Status ApplicationDatabase::Close() {
  const int rc = sqlite3_close(database_);
  if (rc != SQLITE_OK) return Failure(rc);
  database_ = nullptr;
  return absl::OkStatus();
}

}  // namespace strata::tools
