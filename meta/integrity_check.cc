#include "meta/integrity_check.h"

#include <memory>

#include "io/status_macros.h"
#include "meta/sqlite_database.h"

namespace strata::meta {

absl::StatusOr<std::vector<std::string>> IntegrityCheck(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database,
                          SqliteDatabase::Open(path, SqliteDatabase::Access::kReadOnlyImmutable));
  STRATA_ASSIGN_OR_RETURN(Statement statement, database->Prepare("PRAGMA integrity_check(100)"));
  std::vector<std::string> findings;
  while (true) {
    STRATA_ASSIGN_OR_RETURN(bool row, statement.Step());
    if (!row) return findings;
    std::string line = statement.Text(0);
    if (line != "ok") findings.push_back(line);
  }
}

}  // namespace strata::meta
