#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;

namespace strata::tools {

// A database as an application has it open, with the log that its URI parameters ask for: what
// `strata` does to a living database it does like any other program. One thread at a time.
class ApplicationDatabase {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  // NotFound: there is no such file; nothing is created.
  static absl::StatusOr<std::unique_ptr<ApplicationDatabase>> Open(const std::string& path,
                                                                   const Parameters& parameters);
  ~ApplicationDatabase();

  absl::Status Execute(const std::string& sql);
  // The first column of the first row; 0 or "" for NULL and without a row.
  absl::StatusOr<int64_t> Integer(const std::string& sql);
  absl::StatusOr<std::string> Text(const std::string& sql);

  sqlite3* handle() { return database_; }

  // What closing says, too.
  absl::Status Close();

 private:
  ApplicationDatabase(sqlite3* database, std::string path)
      : database_(database), path_(std::move(path)) {}
  absl::Status Failure(int rc) const;

  sqlite3* database_;
  const std::string path_;
};

}  // namespace strata::tools
