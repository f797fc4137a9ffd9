#pragma once

#include <string>

#include "sqlite/virtual_wal.h"

namespace strata::sqlite_test {

// What an engine asks of SQLite, without SQLite: database files by plain system calls, no URI
// parameters, no busy timeout. The handles are not sqlite3_file objects, and nobody looks into
// them.
const strata_wal_host* TableHost();

// From now on is_interrupted() answers so.
void SetTableHostInterrupted(bool interrupted);

// The number of messages that the engine logged.
int TableHostMessages();

}  // namespace strata::sqlite_test
