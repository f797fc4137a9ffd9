#include "meta/schema.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::meta {
namespace {

// Position i brings version i to i + 1. Never changed once released, only added to.
constexpr const char* kMigrations[] = {
    R"sql(
CREATE TABLE monitored_namespaces(
  id INTEGER PRIMARY KEY,
  store_url TEXT NOT NULL,
  namespace_name TEXT NOT NULL,
  added_us INTEGER NOT NULL,
  synced_us INTEGER NOT NULL DEFAULT 0,
  UNIQUE(store_url, namespace_name)
) STRICT;

CREATE TABLE epochs(
  namespace_id INTEGER NOT NULL REFERENCES monitored_namespaces(id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL CHECK(epoch >= 1),
  log_id TEXT NOT NULL,
  parent_log_id TEXT NOT NULL,
  parent_frame INTEGER NOT NULL,
  first_frame INTEGER NOT NULL CHECK(first_frame >= 1),
  page_size INTEGER NOT NULL,
  writer_nonce INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY(namespace_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE segments(
  namespace_id INTEGER NOT NULL REFERENCES monitored_namespaces(id) ON DELETE CASCADE,
  log_id TEXT NOT NULL,
  first_frame INTEGER NOT NULL CHECK(first_frame >= 1),
  last_frame INTEGER NOT NULL CHECK(last_frame >= first_frame),
  level INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY(namespace_id, log_id, first_frame, last_frame, level, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs(
  id INTEGER PRIMARY KEY,
  namespace_id INTEGER NOT NULL REFERENCES monitored_namespaces(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('running', 'done', 'failed')),
  started_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX jobs_of_namespace ON jobs(namespace_id);
)sql",
};

absl::StatusOr<int> VersionOf(SqliteDatabase* database) {
  STRATA_ASSIGN_OR_RETURN(Statement statement, database->Prepare("PRAGMA user_version"));
  STRATA_RETURN_IF_ERROR(statement.Step().status());
  return static_cast<int>(statement.Integer(0));
}

}  // namespace

int SchemaVersion() { return static_cast<int>(std::size(kMigrations)); }

absl::Status Migrate(SqliteDatabase* database) {
  while (true) {
    // Another process may migrate at the same time: the version is read again inside the
    // transaction.
    STRATA_ASSIGN_OR_RETURN(int seen, VersionOf(database));
    if (seen == SchemaVersion()) return absl::OkStatus();
    STRATA_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
    STRATA_ASSIGN_OR_RETURN(int version, VersionOf(database));
    if (version < 0 || version > SchemaVersion()) {
      return absl::UnimplementedError(absl::StrCat("meta-db of version ", version,
                                                   ", this release knows ", SchemaVersion(),
                                                   "; it is a cache and may be deleted"));
    }
    if (version < SchemaVersion()) {
      STRATA_RETURN_IF_ERROR(database->Execute(kMigrations[version]));
      STRATA_RETURN_IF_ERROR(database->Execute(absl::StrCat("PRAGMA user_version=", version + 1)));
    }
    STRATA_RETURN_IF_ERROR(transaction.Commit());
  }
}

}  // namespace strata::meta
