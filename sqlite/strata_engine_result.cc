#include <sqlite3.h>

#include <string>

#include "io/errno_status.h"
#include "sqlite/engine_result.h"
#include "sqlite/vfs_status.h"

namespace strata::sqlite {

namespace {

thread_local std::string last_error;

int IoError(Doing doing) {
  switch (doing) {
    case Doing::kOpen:
      return SQLITE_CANTOPEN;
    case Doing::kRead:
      return SQLITE_IOERR_READ;
    case Doing::kWrite:
      return SQLITE_IOERR_WRITE;
    case Doing::kSync:
      return SQLITE_IOERR_FSYNC;
    case Doing::kCheckpoint:
    case Doing::kCall:
      return SQLITE_IOERR;
  }
  return SQLITE_IOERR;
}

int LackResult(const absl::Status& status) {
  switch (*io::LackOf(status)) {
    case io::Lack::kMemory:
      return SQLITE_NOMEM;
    case io::Lack::kDescriptors:
      return SQLITE_CANTOPEN;
    case io::Lack::kSpace:
      return SQLITE_FULL;
  }
  return SQLITE_FULL;
}

int Code(const absl::Status& status, Doing doing) {
  switch (status.code()) {
    case absl::StatusCode::kAborted:
      return SQLITE_BUSY_SNAPSHOT;
    case absl::StatusCode::kCancelled:
      return SQLITE_INTERRUPT;
    case absl::StatusCode::kUnavailable:
      return SQLITE_BUSY;
    case absl::StatusCode::kResourceExhausted:
      return LackResult(status);
    case absl::StatusCode::kPermissionDenied:
      return doing == Doing::kOpen ? SQLITE_CANTOPEN : SQLITE_READONLY;
    case absl::StatusCode::kDataLoss:
      return doing == Doing::kOpen ? SQLITE_CORRUPT : SQLITE_IOERR_DATA;
    case absl::StatusCode::kInvalidArgument:
      return doing == Doing::kOpen ? SQLITE_CANTOPEN : SQLITE_ERROR;
    case absl::StatusCode::kInternal:
      return doing == Doing::kOpen ? SQLITE_IOERR : IoError(doing);
    default:
      return IoError(doing);
  }
}

}  // namespace

const char* LastError() { return last_error.c_str(); }

int ResultOf(const strata_wal_host* host, const absl::Status& status, Doing doing) {
  const bool is_told = doing == Doing::kOpen || doing == Doing::kCall;
  if (is_told) last_error = IsOfVfs(status) ? "" : std::string(status.message());
  if (status.ok()) return SQLITE_OK;
  if (doing == Doing::kCall) return SQLITE_ERROR;
  const int rc = Code(status, doing);
  const bool ordinary = rc == SQLITE_BUSY_SNAPSHOT || rc == SQLITE_INTERRUPT ||
                        (rc == SQLITE_BUSY && doing != Doing::kOpen);
  if (!ordinary) host->log(rc, std::string(status.message()).c_str());
  return rc;
}

}  // namespace strata::sqlite
