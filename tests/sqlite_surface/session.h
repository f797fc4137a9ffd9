#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sqlite_surface/library.h"
#include "tests/support/temporary_directory.h"

namespace strata::sqlite_surface {

// A folder, which is the working directory meanwhile, connections to databases in it, and a
// transcript of what was done through one library and
// what came back. Databases go to WAL by `PRAGMA journal_mode=wal`, on Strata too: STRATA_WAL=1
// is in the environment.
class Session {
 public:
  explicit Session(const Library& library);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Library& api() const { return api_; }
  std::string Path(const std::string& name = "app.db") const { return folder_ / name; }

  // Opens a database of the folder; `parameters` make it a URI. Notes the code; nullptr on failure.
  sqlite3* Open(const std::string& name = "app.db", const std::string& parameters = "",
                int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  // The same, in WAL mode, with a table t(a INTEGER PRIMARY KEY, b) when it is new.
  sqlite3* OpenWal(const std::string& name = "app.db");
  int Close(sqlite3* db);

  // Runs statements one after the other and notes code, rows and changes of each. Returns the last
  // code, which is an extended one.
  int Run(sqlite3* db, const std::string& sql);
  // 200 rows of 400 bytes into t.
  int AddRows(sqlite3* db);
  // The first value of the first row, noted as well.
  std::string Value(sqlite3* db, const std::string& sql);

  void Note(const std::string& line) { transcript_ += line + "\n"; }
  void Note(const std::string& what, int64_t value) { Note(what + " " + std::to_string(value)); }
  // Notes the bytes of a database file, as a size and a checksum per page.
  void NotePages(const std::string& name = "app.db", size_t page_size = 4096);

  const std::string& transcript() const { return transcript_; }

 private:
  int RunOne(sqlite3* db, const char* sql, const char** rest);
  std::string NameOf(sqlite3* db) const;

  const Library& api_;
  const support::TemporaryDirectory directory_{"surface"};
  const std::filesystem::path folder_ = directory_.path();
  std::vector<sqlite3*> connections_;  // in the order of their opening; nullptr: closed
  std::string transcript_;
  std::string value_;
};

// Runs `steps` on both libraries and expects the same transcript from both.
void ExpectSame(const std::function<void(Session&)>& steps);

}  // namespace strata::sqlite_surface
