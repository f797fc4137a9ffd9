#include <sqlite3.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "io/forked_locks.h"
#include "sqlite/engine_logs.h"
#include "sqlite/engine_wal.h"
#include "wal/attachment.h"
#include "wal/recovery.h"

namespace strata::sqlite {

namespace {

const strata_wal_host* engine_host = nullptr;

// A log that was acquired and found no connection to use it.
void GiveBack(OpenLog open) {
  if (!ReleaseLog(open.key)) return;
  open.log.reset();
  ForgetLog(open.key);
}

// The last one that was set counts, whichever connection's.
void Limit(strata_wal* wal, int64_t bytes) {
  if (!IsOfThisProcess(wal)) return;
  wal->connection->log().state().SetSizeLimit(
      bytes < 0 ? std::nullopt : std::optional<uint64_t>(static_cast<uint64_t>(bytes)));
}

int Open(const strata_wal_open_args* args, strata_wal** out) {
  return Guard([&] {
    auto wal = std::make_unique<strata_wal>();
    wal->host = engine_host;
    wal->directory = args->wal_name;
    wal->database = args->database;
    wal->fork_generation = io::ForkGeneration();
    wal->exclusive = wal->heap_memory = args->no_shared_memory != 0;
    absl::StatusOr<OpenLog> open = AcquireLog(engine_host, *args);
    const int rc = ResultOf(engine_host, open.status(), Doing::kOpen);
    if (rc != SQLITE_OK) return rc;
    wal->vfs_files = std::move(open->vfs_files);
    try {
      wal->log_key = open->key;
      wal->connection = std::make_unique<wal::Connection>(open->log);
      wal->connection->set_interrupted([wal = wal.get()] { return IsInterrupted(wal); });
    } catch (const std::bad_alloc&) {
      GiveBack(*std::move(open));
      throw;
    }
    if (args->size_limit >= 0) Limit(wal.get(), args->size_limit);
    *out = wal.release();
    return SQLITE_OK;
  });
}

bool Exists(const std::string& path, io::FileKind kind) {
  const absl::StatusOr<io::FileInfo> info = ProductionEnvironment(engine_host).files->Stat(path);
  return info.ok() && info->kind == kind;
}

int CloseLog(strata_wal* wal, strata_sqlite_connection* sqlite, bool keep_log) {
  wal::Log& log = wal->connection->log();
  const bool may_checkpoint = sqlite != nullptr;
  const bool may_remove = may_checkpoint && !keep_log && !log.read_only() &&
                          wal->host->lock_file(wal->database, SQLITE_LOCK_EXCLUSIVE) == SQLITE_OK;
  wal::CheckpointWatcher watcher;
  if (sqlite != nullptr)
    watcher.interrupted = [&] { return wal->host->is_interrupted(sqlite) != 0; };
  const int rc =
      ResultOf(wal->host, log.Close(may_checkpoint, may_remove, watcher), Doing::kCheckpoint);
  // Who wants to leave WAL mode must not believe that the log is gone.
  return rc == SQLITE_OK && may_remove && Exists(wal->directory, io::FileKind::kDirectory)
             ? SQLITE_BUSY
             : rc;
}

int Close(strata_wal* wal, strata_sqlite_connection* sqlite, int, int, uint8_t*, int keep_log) {
  if (wal == nullptr) return SQLITE_OK;
  return Guard([&] {
    if (CheckProcess(wal) != SQLITE_OK)
      return SQLITE_OK;  // the parent's; its threads and locks are not here
    const std::unique_ptr<strata_wal> owner(wal);
    std::shared_ptr<wal::Log> last = ReleaseLog(wal->log_key);
    if (last == nullptr) return SQLITE_OK;
    const int rc = Guard([&] { return CloseLog(wal, sqlite, keep_log != 0); });
    wal->connection.reset();
    last.reset();
    ForgetLog(wal->log_key);
    return rc;
  });
}

int ExclusiveMode(strata_wal* wal, int op) {
  if (op > 0) wal->exclusive = true;
  if (op == 0 && !wal->heap_memory) wal->exclusive = false;
  return op > 0 ? 1 : !wal->exclusive;
}

int HeapMemory(strata_wal* wal) { return wal != nullptr && wal->heap_memory; }

void SetConnection(strata_wal* wal, strata_sqlite_connection* sqlite) { wal->sqlite = sqlite; }

// A log directory, or the identity that a clean close left behind.
int IsLog(struct sqlite3_vfs*, const char* wal_name, int* is_log) {
  return Guard([&] {
    const std::string directory = wal_name;
    *is_log = Exists(absl::StrCat(directory, "/", wal::kLockName), io::FileKind::kRegular) ||
              Exists(absl::StrCat(directory, "/", wal::kIdentityName), io::FileKind::kRegular) ||
              Exists(absl::StrCat(engine_host->database_name(wal_name), wal::kCleanIdentitySuffix),
                     io::FileKind::kRegular);
    return SQLITE_OK;
  });
}

absl::Status RemoveEmptyLog(io::FileSystem& files, const std::string& directory) {
  const absl::StatusOr<wal::RecoveredLog> log = wal::RecoverLog(files, directory);
  if (log.ok() && log->end.frame > log->identity.base_frame) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory,
        ": holds commits of a database whose file is empty; 'strata recover' puts them back"));
  }
  if (!log.ok() && !absl::IsNotFound(log.status())) return log.status();
  // Nobody may come while it goes.
  const auto lock =
      files.Open(absl::StrCat(directory, "/", wal::kLockName), io::OpenMode::kReadWrite);
  if (lock.ok()) {
    const auto alone = (*lock)->TryLockRange({wal::kOpenByte, 1}, io::LockKind::kExclusive);
    if (!alone.ok()) return alone.status();
    if (!*alone) return absl::OkStatus();
    const auto others = (*lock)->IsLockedByOthers({});
    if (!others.ok()) return others.status();
    if (*others) return absl::OkStatus();
  } else if (!absl::IsNotFound(lock.status())) {
    return lock.status();
  }
  absl::StatusOr<std::vector<std::string>> names = files.List(directory);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const absl::Status removed = files.Unlink(absl::StrCat(directory, "/", name));
    if (!removed.ok()) return removed;
  }
  return files.RemoveDirectory(directory);
}

int DeleteLog(struct sqlite3_vfs*, const char* wal_name) {
  return Guard([&] {
    const std::string directory = wal_name;
    if (IsOpen(directory)) return SQLITE_OK;  // another connection's, here or elsewhere
    return ResultOf(engine_host,
                    RemoveEmptyLog(*ProductionEnvironment(engine_host).files, directory),
                    Doing::kOpen);
  });
}

constexpr strata_wal_methods kMethods = {
    .version = 3,
    .name = "strata",
    .open = Open,
    .close = Close,
    .limit = Limit,
    .begin_read = BeginRead,
    .end_read = EndRead,
    .find_frame = FindFrame,
    .read_frame = ReadFrame,
    .database_pages = DatabasePages,
    .write_lock = WriteLock,
    .begin_write = BeginWrite,
    .end_write = EndWrite,
    .undo = Undo,
    .savepoint = Savepoint,
    .savepoint_undo = SavepointUndo,
    .frames = Frames,
    .checkpoint = Checkpoint,
    .callback = Callback,
    .exclusive_mode = ExclusiveMode,
    .heap_memory = HeapMemory,
    .set_connection = SetConnection,
    .snapshot_get = SnapshotGet,
    .snapshot_open = SnapshotOpen,
    .snapshot_recover = SnapshotRecover,
    .snapshot_check = SnapshotCheck,
    .snapshot_unlock = SnapshotUnlock,
    .snapshot_compare = SnapshotCompare,
    .delete_log = DeleteLog,
    .is_log = IsLog,
    .last_error = LastError,
    .uses_shared_memory = 0,
    .frame_count = FrameCount,
    .read_frame_raw = ReadFrameRaw,
    .frame_bytes = FrameBytes,
    .savepoint_forget = SavepointForget,
    .file = File,
    .watch_checkpoints = WatchCheckpoints,
    .frame = CurrentFrame,
    .durable_frame = DurableFrame,
    .wait_durable = WaitDurable,
    .seal = Seal,
    .status = Status,
    .changed_pages = ChangedPages,
};

}  // namespace

bool IsOfThisProcess(const strata_wal* wal) { return wal->fork_generation == io::ForkGeneration(); }

bool IsInterrupted(const strata_wal* wal) {
  return wal->sqlite != nullptr && wal->host->is_interrupted(wal->sqlite) != 0;
}

int CheckProcess(const strata_wal* wal) {
  if (IsOfThisProcess(wal)) return SQLITE_OK;
  wal->host->log(
      SQLITE_MISUSE,
      "a database opened before fork() cannot be used in the child: open it again there");
  return SQLITE_MISUSE;
}

}  // namespace strata::sqlite

// Visible, so that a shared library of the engine alone can export them
// (sqlite/engine_exports.map).
extern "C" __attribute__((visibility("default"))) const strata_wal_methods* strata_engine_methods(
    void) {
  return &strata::sqlite::kMethods;
}

extern "C" __attribute__((visibility("default"))) void strata_engine_attach(
    const strata_wal_host* host) {
  strata::sqlite::engine_host = host;
}
