#include <sqlite3.h>

#include <functional>

#include "sqlite/engine_wal.h"

namespace strata::sqlite {

namespace {

// Waits as long as the busy handler wants; false when it gave up.
bool WaitWith(int (*busy)(void*), void* context, const std::function<bool()>& reached) {
  while (!reached()) {
    if (busy == nullptr || busy(context) == 0) return false;
  }
  return true;
}

class Checkpointing {
 public:
  Checkpointing(strata_wal* wal, int mode, std::function<bool(const std::function<bool()>&)> wait,
                wal::CheckpointWatcher watcher)
      : connection_(*wal->connection),
        log_(connection_.log()),
        mode_(mode),
        wait_(std::move(wait)),
        watcher_(std::move(watcher)) {}

  // Whether the mode was reached: SQLITE_BUSY says that a reader or writer was in the way.
  absl::StatusOr<bool> Run(bool sync) {
    bool complete = true;
    const bool held = connection_.holds_write_lock();
    if (mode_ >= STRATA_CHECKPOINT_FULL) complete = wait_([&] { return LockWriters(); });
    if (locked_ == wal::WriteLock::Outcome::kFailed) return connection_.lock_failure();
    const absl::StatusOr<bool> result = Copy(sync, complete);
    if (!held) connection_.UnlockForWrite();
    return result;
  }

 private:
  // Whether there is nothing to wait for: it is locked, or cannot be.
  bool LockWriters() {
    locked_ = connection_.LockForWrite(0, nullptr);
    return locked_ == wal::WriteLock::Outcome::kAcquired ||
           locked_ == wal::WriteLock::Outcome::kFailed;
  }

  absl::StatusOr<bool> Copy(bool sync, bool complete) {
    wal::LogState& state = log_.state();
    const segment::FrameNo tip = state.commits->appended().frame;
    if (sync) {
      const absl::Status synced = state.commits->WaitSynced(tip);
      // What another process owes is left for later.
      if (!synced.ok() && !absl::IsUnavailable(synced)) return synced;
    }
    if (complete && mode_ >= STRATA_CHECKPOINT_FULL) {
      complete = wait_([&] { return state.readers.OldestSnapshot(tip) >= tip; });
    }
    absl::Status status = log_.Checkpoint(tip, sync, connection_.holds_write_lock(), watcher_);
    if (!status.ok()) return status;
    if (!complete || mode_ < STRATA_CHECKPOINT_RESTART) return complete;
    if (state.index->floor() != tip) return false;
    const absl::StatusOr<bool> alone = WaitForReaders();
    if (!alone.ok() || !*alone) return alone;
    if (mode_ == STRATA_CHECKPOINT_TRUNCATE) status = log_.Truncate();
    if (!status.ok()) return status;
    return true;
  }

  // Until those are gone that read the log. Who came after everything was in the database file
  // reads that alone, as with SQLite's log. The connection's own snapshot is none of them: pager.c
  // has one at the first checkpoint after a new database was switched to WAL.
  absl::StatusOr<bool> WaitForReaders() {
    const bool reads = connection_.reading();
    const wal::CommitPoint snapshot = connection_.snapshot();
    if (reads) connection_.EndRead();
    wal::LogState& state = log_.state();
    const uint64_t generation = state.shared.readers.emptied.load(std::memory_order_relaxed);
    const bool alone = wait_([&] { return !state.readers.AnyStartedBy(generation); });
    if (!reads) return alone;
    const absl::StatusOr<bool> begun = connection_.BeginReadAt(snapshot);
    return begun.ok() ? absl::StatusOr<bool>(alone) : begun;
  }

  wal::Connection& connection_;
  wal::Log& log_;
  const int mode_;
  const std::function<bool(const std::function<bool()>&)> wait_;
  const wal::CheckpointWatcher watcher_;
  wal::WriteLock::Outcome locked_ = wal::WriteLock::Outcome::kTimedOut;
};

// Tells the function of watch_checkpoints, and keeps what it answered.
class Telling {
 public:
  explicit Telling(strata_wal* wal) : wal_(*wal) {}

  absl::Status Copied(segment::FrameNo frame, segment::PageNo page, io::ByteView bytes) {
    Tell(bytes.data(), bytes.size(), page.value(), NumberInLog(&wal_, frame));
    return result_ == SQLITE_OK ? absl::OkStatus() : absl::CancelledError("by its watcher");
  }
  void Completed() {
    if (wal_.page_copied != nullptr) Tell(nullptr, 0, 0, 0);
  }
  int result() const { return result_; }

 private:
  void Tell(const uint8_t* page, size_t bytes, uint32_t page_no, uint32_t frame) {
    const auto last = NumberInLog(&wal_, wal_.connection->log().state().commits->visible_frame());
    result_ = wal_.page_copied(wal_.page_copied_context, static_cast<int>(last), page,
                               static_cast<int>(bytes), static_cast<int>(page_no),
                               static_cast<int>(frame));
  }

  strata_wal& wal_;
  int result_ = SQLITE_OK;
};

wal::CheckpointWatcher WatcherFor(strata_wal* wal, strata_sqlite_connection* sqlite,
                                  Telling* telling) {
  wal::CheckpointWatcher watcher;
  watcher.interrupted = [wal, sqlite] { return wal->host->is_interrupted(sqlite) != 0; };
  if (wal->page_copied != nullptr) {
    watcher.copied = [telling](segment::FrameNo frame, segment::PageNo page, io::ByteView bytes) {
      return telling->Copied(frame, page, bytes);
    };
  }
  return watcher;
}

bool EverythingIsCheckpointed(const strata_wal* wal) {
  const wal::Log::Counts counts = wal->connection->log().counts();
  return counts.frames == counts.checkpointed;
}

}  // namespace

int Checkpoint(strata_wal* wal, strata_sqlite_connection* sqlite, int mode, int (*busy)(void*),
               void* busy_context, int sync_flags, int, uint8_t*, int* log_frames,
               int* checkpointed_frames) {
  return Guard([&] {
    int rc = CheckProcess(wal);
    if (rc != SQLITE_OK) return rc;
    if (InsideLogFile::any()) return SQLITE_BUSY;
    if (mode != STRATA_CHECKPOINT_NOOP) {
      Telling telling(wal);
      Checkpointing checkpointing(
          wal, mode,
          [&](const std::function<bool()>& reached) {
            return WaitWith(busy, busy_context, reached);
          },
          WatcherFor(wal, sqlite, &telling));
      const absl::StatusOr<bool> complete = checkpointing.Run(((sync_flags >> 2) & 3) != 0);
      KeepLogStart(wal);
      rc = complete.ok() ? (*complete ? SQLITE_OK : SQLITE_BUSY)
                         : ResultOf(wal->host, complete.status(), Doing::kCheckpoint);
      if (complete.ok() && EverythingIsCheckpointed(wal)) telling.Completed();
      if (telling.result() != SQLITE_OK) rc = telling.result();
      // Another checkpoint is at it: SQLite tells no numbers then.
      if (!complete.ok() && rc == SQLITE_BUSY) return rc;
    }
    const wal::Log::Counts counts = wal->connection->log().counts();
    if (log_frames != nullptr) *log_frames = static_cast<int>(counts.frames);
    if (checkpointed_frames != nullptr)
      *checkpointed_frames = static_cast<int>(counts.checkpointed);
    return rc;
  });
}

}  // namespace strata::sqlite
