#pragma once

#include "absl/status/status.h"
#include "sqlite/virtual_wal.h"

namespace strata::sqlite {

// What the application was about to do; decides between result codes of one family.
enum class Doing { kOpen, kRead, kWrite, kSync, kCheckpoint, kCall };  // kCall: an SQL function

// The SQLite result code for a status; anything an operator should read goes to sqlite3_log as
// well.
int ResultOf(const strata_wal_host* host, const absl::Status& status, Doing doing);

// The message of the last kOpen or kCall on this thread that failed; "" after one that did not.
const char* LastError();

}  // namespace strata::sqlite
