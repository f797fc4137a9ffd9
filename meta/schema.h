#pragma once

#include "absl/status/status.h"
#include "meta/sqlite_database.h"

namespace strata::meta {

// The version that this release writes: the number of migrations.
int SchemaVersion();

// Brings the database (empty, or of an earlier release) to SchemaVersion(), each migration in a
// transaction of its own. Unimplemented: made by a later release.
absl::Status Migrate(SqliteDatabase* database);

}  // namespace strata::meta
