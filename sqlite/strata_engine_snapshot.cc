#include <sqlite3.h>

#include <cstring>

#include "io/bytes.h"
#include "sqlite/engine_wal.h"

// sqlite3_snapshot: 48 bytes. 0: the injection's 4; 4: database pages; 8: frame; 16: commit time,
// microseconds; 24: log id, 16 bytes; 40: the frame at which the log's counts started.
//
// A snapshot lives as long as it does with SQLite's own log, whose users count on the errors:
// until the log is started again (a write when everything is in the database file, or a checkpoint
// that truncates), and not beyond a reopening, unless sqlite3_snapshot_recover() is called.
namespace strata::sqlite {

using io::LoadLittleEndian;
using io::StoreLittleEndian;
using segment::FrameNo;

namespace {

wal::CommitPoint Decode(const unsigned char* snapshot) {
  return {FrameNo(LoadLittleEndian<uint64_t>(snapshot + 8)),
          LoadLittleEndian<uint32_t>(snapshot + 4),
          static_cast<int64_t>(LoadLittleEndian<uint64_t>(snapshot + 16))};
}

bool IsOfThisLog(strata_wal* wal, const unsigned char* snapshot) {
  const wal::Log& log = wal->connection->log();
  const auto& id = wal->connection->log().state().identity.log_id.bytes;
  return std::memcmp(snapshot + 24, id.data(), id.size()) == 0 &&
         FrameNo(LoadLittleEndian<uint64_t>(snapshot + 40)) == log.counts_from() &&
         Decode(snapshot).frame >= wal->snapshots_from.value_or(log.recovered_end());
}

}  // namespace

int SnapshotGet(strata_wal* wal, unsigned char* snapshot) {
  if (!wal->connection->reading() || !wal->connection->log().has_identity()) return SQLITE_ERROR;
  const wal::CommitPoint& at = wal->connection->snapshot();
  const auto& id = wal->connection->log().state().identity.log_id.bytes;
  std::memset(snapshot, 0, 48);
  StoreLittleEndian<uint32_t>(snapshot + 4, at.database_pages);
  StoreLittleEndian<uint64_t>(snapshot + 8, at.frame.value());
  StoreLittleEndian<uint64_t>(snapshot + 16, static_cast<uint64_t>(at.time_us));
  std::memcpy(snapshot + 24, id.data(), id.size());
  StoreLittleEndian<uint64_t>(snapshot + 40, wal->connection->log().counts_from().value());
  return SQLITE_OK;
}

void SnapshotOpen(strata_wal* wal, const unsigned char* snapshot) {
  wal->requested_snapshot.reset();
  if (snapshot == nullptr) return;
  // Of another log: a commit that does not exist here.
  wal->requested_snapshot =
      IsOfThisLog(wal, snapshot) ? Decode(snapshot) : wal::CommitPoint{FrameNo(UINT64_MAX - 1)};
}

// Every commit above the checkpoint can be opened by itself, except those of which a checkpoint
// that was cut short has overwritten pages.
int SnapshotRecover(strata_wal* wal) {
  return Guard([&] {
    const int rc = CheckProcess(wal);
    if (rc != SQLITE_OK || !wal->connection->log().has_identity()) return rc;
    const absl::StatusOr<FrameNo> oldest = wal->connection->log().OldestWhole();
    if (!oldest.ok()) return ResultOf(wal->host, oldest.status(), Doing::kCheckpoint);
    wal->snapshots_from = *oldest;
    return SQLITE_OK;
  });
}

int SnapshotCheck(strata_wal* wal, const unsigned char* snapshot) {
  const wal::CommitPoint at = Decode(snapshot);
  wal::LogState& state = wal->connection->log().state();
  const bool whole = at.frame >= state.index->floor() && at.frame <= state.commits->visible_frame();
  return whole && IsOfThisLog(wal, snapshot) ? SQLITE_OK : SQLITE_ERROR_SNAPSHOT;
}

void SnapshotUnlock(strata_wal*) {}

int SnapshotCompare(const unsigned char* a, const unsigned char* b) {
  const auto order = Decode(a).frame <=> Decode(b).frame;
  return order < 0 ? -1 : order > 0;
}

}  // namespace strata::sqlite
