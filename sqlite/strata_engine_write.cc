#include <sqlite3.h>

#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "sqlite/engine_wal.h"

namespace strata::sqlite {

namespace {

wal::Durability DurabilityOf(int sync_flags) {
  if ((sync_flags & 3) != 0) return wal::Durability::kFull;
  return ((sync_flags >> 2) & 3) != 0 ? wal::Durability::kNormal : wal::Durability::kOff;
}

bool IsSyncFailure(const strata_wal* wal) {
  return wal->connection->log().state().commits->failed();
}

// The VFS of SQLite's test suite calls an interpreter that belongs to the thread of the test, so
// that nothing may run beside it: what the background does, the committing thread does there.
void RunBackgroundInline(strata_wal* wal) {
  if (wal->vfs_files == nullptr) return;
  wal->connection->log().RunMaintenance();
  wal->connection->log().HandOver();
}

int RequestCheckpointIfDue(strata_wal* wal, uint64_t autocheckpoint_frames) {
  const wal::Log::Counts counts = wal->connection->log().counts();
  if (counts.frames - counts.checkpointed < autocheckpoint_frames) return SQLITE_OK;
  wal->connection->log().RequestCheckpoint();
  RunBackgroundInline(wal);
  return SQLITE_OK;
}

}  // namespace

int WriteLock(strata_wal* wal, int lock) {
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    if (lock == 0) {
      wal->connection->UnlockForWrite();
      return SQLITE_OK;
    }
    const int timeout_ms = wal->sqlite == nullptr ? 0 : wal->host->busy_timeout_ms(wal->sqlite);
    const auto interrupted = [wal] { return IsInterrupted(wal); };
    switch (wal->connection->LockForWrite(int64_t{1000} * timeout_ms, interrupted)) {
      case wal::WriteLock::Outcome::kAcquired:
        return SQLITE_OK;
      case wal::WriteLock::Outcome::kInterrupted:
        return SQLITE_INTERRUPT;
      case wal::WriteLock::Outcome::kFailed:
        return ResultOf(wal->host, wal->connection->lock_failure(), Doing::kWrite);
      case wal::WriteLock::Outcome::kTimedOut:
        return timeout_ms > 0 ? SQLITE_BUSY_TIMEOUT : SQLITE_BUSY;
    }
    return SQLITE_INTERNAL;
  });
}

int BeginWrite(strata_wal* wal) {
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    return ResultOf(wal->host, wal->connection->BeginWrite(),
                    IsSyncFailure(wal) ? Doing::kSync : Doing::kWrite);
  });
}

int EndWrite(strata_wal* wal) {
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    const absl::Status ended = wal->connection->EndWrite();
    if (wal->vfs_files != nullptr) wal->connection->log().HandOver();
    return ResultOf(wal->host, ended, Doing::kSync);
  });
}

int Undo(strata_wal* wal, int (*undo_page)(void*, uint32_t), void* context) {
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    // Nothing is allocated: a rollback succeeds without memory too.
    const std::vector<segment::PageNo> pages = wal->connection->Undo();
    int rc = SQLITE_OK;
    for (size_t i = 0; i < pages.size() && rc == SQLITE_OK; ++i)
      rc = undo_page(context, pages[i].value());
    if (rc != SQLITE_OK) wal->connection->DoubtCache();
    return rc;
  });
}

void Savepoint(strata_wal* wal, uint32_t* words) {
  const uint64_t frames = wal->connection->savepoint();
  words[0] = static_cast<uint32_t>(frames);
  words[1] = static_cast<uint32_t>(frames >> 32);
  words[2] = words[3] = 0;
}

int SavepointUndo(strata_wal* wal, uint32_t* words) {
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    wal->connection->UndoToSavepoint(words[0] | static_cast<uint64_t>(words[1]) << 32);
    return SQLITE_OK;
  });
}

int Frames(strata_wal* wal, int page_size, const strata_wal_page* pages, size_t count,
           uint32_t database_pages, int commit, int sync_flags) {
  return Guard([&] {
    if (!IsOfThisProcess(wal)) return CheckProcess(wal);
    absl::InlinedVector<wal::PageRef, 16> refs;
    refs.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      refs.push_back(
          {segment::PageNo(pages[i].page_no), static_cast<const uint8_t*>(pages[i].data)});
    }
    if (wal->vfs_files != nullptr)
      wal->vfs_files->set_full_sync((sync_flags & 3) == SQLITE_SYNC_FULL);
    const absl::Status status =
        wal->connection->Write(static_cast<uint32_t>(page_size), refs, commit != 0, database_pages,
                               DurabilityOf(sync_flags));
    KeepLogStart(wal);
    if (status.ok() && commit != 0) wal->committed_frames = wal->connection->log().counts().frames;
    return ResultOf(wal->host, status, IsSyncFailure(wal) ? Doing::kSync : Doing::kWrite);
  });
}

int Callback(strata_wal* wal, int default_hook, int autocheckpoint_frames) {
  if (!IsOfThisProcess(wal)) return 0;
  const uint64_t frames = std::exchange(wal->committed_frames, 0);
  if (default_hook == 0) return static_cast<int>(frames);
  if (autocheckpoint_frames > 0)
    Guard(
        [&] { return RequestCheckpointIfDue(wal, static_cast<uint64_t>(autocheckpoint_frames)); });
  return 0;  // the commit stands, whatever becomes of the checkpoint; the next one tries again
}

}  // namespace strata::sqlite
