#include <sqlite3.h>

#include <utility>

#include "sqlite/engine_wal.h"

namespace strata::sqlite {

using segment::FrameNo;
using segment::PageNo;

namespace {

constexpr uint32_t kNoNumber = UINT32_MAX;  // the log was started again behind the frame just found

absl::StatusOr<bool> Begin(strata_wal* wal) {
  if (!wal->requested_snapshot.has_value()) return wal->connection->BeginRead();
  if (wal->requested_snapshot->frame > wal->connection->log().state().commits->visible_frame()) {
    return absl::NotFoundError("the snapshot is of another history of the database");
  }
  return wal->connection->BeginReadAt(*wal->requested_snapshot, true);
}

}  // namespace

int BeginRead(strata_wal* wal, int* changed) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc != SQLITE_OK) return rc;
    wal->found_token = 0;
    const absl::StatusOr<bool> begun = Begin(wal);
    if (absl::IsNotFound(begun.status())) return SQLITE_ERROR_SNAPSHOT;
    if (!begun.ok()) return ResultOf(wal->host, begun.status(), Doing::kSync);
    // As with SQLite's log, one that was started again is a change, also without a commit.
    const FrameNo known = wal->log_start;
    KeepLogStart(wal);
    *changed = *begun || wal->log_start != known ? 1 : 0;
    return SQLITE_OK;
  });
}

int ChangedPages(strata_wal* wal, uint32_t limit, void (*changed)(void*, uint32_t), void* context) {
  return wal->connection->ChangedPages(limit, [&](PageNo page) { changed(context, page.value()); });
}

void EndRead(strata_wal* wal) {
  Guard([&] {
    if (!IsOfThisProcess(wal)) return SQLITE_OK;
    // SQLite ends a write transaction that is still open with the read transaction. It also ends
    // one that is not there before it begins another, when a writer may have the lock already that
    // it queued for.
    if (wal->connection->reading() && wal->connection->holds_write_lock()) EndWrite(wal);
    wal->connection->EndRead();
    return SQLITE_OK;
  });
}

int FindFrame(strata_wal* wal, uint32_t page_no, uint32_t* token) {
  if (!IsOfThisProcess(wal)) return CheckProcess(wal);
  wal->found = wal->connection->FindFrame(PageNo(page_no));
  wal->found_token = 0;
  if (wal->found != FrameNo(0)) {
    const uint32_t number = NumberInLog(wal, wal->found);
    wal->found_token = number == 0 ? kNoNumber : number;
  }
  *token = wal->found_token;
  return SQLITE_OK;
}

int ReadFrame(strata_wal* wal, uint32_t token, int bytes, uint8_t* to) {
  const uint32_t found = std::exchange(wal->found_token, 0);
  if (token == 0 || token != found || bytes < 0) return ReadNumbered(wal, token, bytes, to);
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    return ResultOf(wal->host,
                    wal->connection->ReadFrame(wal->found, {to, static_cast<size_t>(bytes)}),
                    Doing::kRead);
  });
}

uint32_t DatabasePages(strata_wal* wal) {
  return wal != nullptr && wal->connection->reading() ? wal->connection->snapshot().database_pages
                                                      : 0;
}

}  // namespace strata::sqlite
