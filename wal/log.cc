#include "wal/log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "io/store_url.h"
#include "segment/store_layout.h"
#include "wal/adoption.h"
#include "wal/recovery.h"

namespace strata::wal {

using segment::FrameNo;

absl::StatusOr<segment::FrameHeader> ReadLogFrame(const LogFiles::List& files, FrameNo frame,
                                                  io::MutableBytes page) {
  const CurrentSegment* segment = LogFiles::Find(files, frame);
  if (segment == nullptr)
    return absl::InternalError(absl::StrCat("frame ", frame.value(), " is in no log file"));
  return segment->ReadFrame(frame, page);
}

namespace {

constexpr int kLockTries = 100;

// Whether `path` still leads to the file that was locked just now: another process that closes the
// log unlinks it.
absl::StatusOr<bool> IsLockedUnder(io::FileSystem& files, const std::string& path) {
  const absl::StatusOr<std::unique_ptr<io::File>> again =
      files.Open(path, io::OpenMode::kReadWrite);
  if (absl::IsNotFound(again.status())) return false;
  STRATA_RETURN_IF_ERROR(again.status());
  STRATA_ASSIGN_OR_RETURN(const bool free, (*again)->TryLock(io::LockKind::kExclusive));
  return !free;
}

}  // namespace

Log::Log(const LogPlace& place, const Environment& environment, const Options& options)
    : place_(place),
      state_(environment, options, place.directory),
      appender_(&state_),
      checkpointer_(&state_, &appender_, place.open_database),
      sealer_(&state_, &checkpointer_),
      shipper_(&state_, &checkpointer_, &sealer_),
      maintenance_(&state_, &appender_, &checkpointer_, &shipper_) {}

Log::~Log() { maintenance_.Stop(); }

absl::StatusOr<std::shared_ptr<Log>> Log::Open(const LogPlace& place, const StoreAddress& store,
                                               const Environment& environment,
                                               const Options& options) {
  auto log = std::shared_ptr<Log>(new Log(place, environment, options));
  STRATA_ASSIGN_OR_RETURN(const bool network,
                          environment.files->IsNetwork(io::DirectoryOf(place.directory)));
  if (network) {
    return absl::FailedPreconditionError(absl::StrCat(
        place.database, ": on a network file system, whose locks and syncs cannot be relied upon"));
  }
  STRATA_RETURN_IF_ERROR(log->LockDirectory());
  STRATA_RETURN_IF_ERROR(log->Recover(store));
  STRATA_RETURN_IF_ERROR(log->OpenStore());
  if (log->has_identity_ && !place.read_only)
    log->maintenance_.Start();  // what was recovered is to be shipped
  return log;
}

absl::Status Log::LockDirectory() {
  io::FileSystem& files = *state_.environment.files;
  const absl::StatusOr<io::FileInfo> database = files.Stat(place_.database);
  if (database.ok()) {
    state_.ownership = {.mode = database->mode & 0777,
                        .set_owner = true,
                        .uid = database->uid,
                        .gid = database->gid};
  }
  if (place_.read_only) return LockForReading();
  for (int tries = 0; tries < kLockTries; ++tries) {
    const absl::Status created = files.CreateDirectory(state_.directory, state_.ownership);
    if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
    const std::string path = absl::StrCat(state_.directory, "/", kLockName);
    absl::StatusOr<std::unique_ptr<io::File>> file =
        files.Open(path, io::OpenMode::kCreateOrOpen, state_.ownership);
    if (absl::IsNotFound(file.status())) continue;  // the directory went away again
    STRATA_RETURN_IF_ERROR(file.status());
    STRATA_ASSIGN_OR_RETURN(const bool locked, (*file)->TryLock(io::LockKind::kExclusive));
    if (!locked) break;
    STRATA_ASSIGN_OR_RETURN(const bool named, IsLockedUnder(files, path));
    if (!named) continue;
    lock_file_ = *std::move(file);
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      state_.directory, ": another process has this database open; one process at a time may"));
}

// A log that another process writes to cannot be read: its index would stand still while pages are
// overwritten.
absl::Status Log::LockForReading() {
  auto file = state_.environment.files->Open(absl::StrCat(state_.directory, "/", kLockName),
                                             io::OpenMode::kReadOnly);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(file.status());
  lock_file_ = *std::move(file);
  STRATA_ASSIGN_OR_RETURN(const bool locked, lock_file_->TryLock(io::LockKind::kShared));
  if (locked) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      state_.directory, ": another process has this database open; one process at a time may"));
}

absl::Status Log::Recover(const StoreAddress& store) {
  absl::StatusOr<RecoveredLog> recovered =
      RecoverLog(*state_.environment.files, state_.directory,
                 state_.options.accept_loss ? OnDamage::kAcceptLoss : OnDamage::kRefuse);
  if (absl::IsNotFound(recovered.status())) return StartFresh(store);
  STRATA_RETURN_IF_ERROR(recovered.status());
  state_.identity = recovered->identity;
  has_identity_ = true;
  STRATA_RETURN_IF_ERROR(CheckStore(store));
  if (recovered->untouched && StartsElsewhere(*recovered)) {
    has_identity_ = false;
    if (!place_.read_only) {
      STRATA_RETURN_IF_ERROR(
          RemoveLeftovers(*state_.environment.files, state_.directory, recovered->leftovers));
    }
    return StartFresh(store);
  }
  return AdoptRecovered(*recovered);
}

// With nothing but an identity in the directory all is in the database file, and app.db-strata, if
// it was written by the close that left the identity behind, knows better where the history ends.
bool Log::StartsElsewhere(const RecoveredLog& recovered) {
  if (recovered.identity.store.empty()) return true;
  const absl::StatusOr<Identity> clean = ReadIdentity(*state_.environment.files, StrataPath());
  return clean.ok() && clean->clean.has_value() && clean->log_id == recovered.identity.log_id &&
         clean->clean->last_frame >= recovered.end.frame;
}

absl::Status Log::AdoptRecovered(const RecoveredLog& recovered) {
  io::FileSystem& files = *state_.environment.files;
  const FrameNo floor = recovered.checkpointed.frame;
  StartAt(recovered.end, floor);
  {
    io::MutexLock lock(&state_.append_mutex);
    state_.next_sequence = recovered.next_sequence;
    state_.progress.checkpointed = recovered.checkpointed;
    state_.progress.sealed = recovered.sealed;
    state_.progress.sealed_digest = recovered.sealed_digest;
    state_.progress.shipped = recovered.shipped;
    for (segment::PageNo page : recovered.pages) state_.index->Append(page);
  }
  for (const RecoveredSegment& segment : recovered.segments) {
    const io::OpenMode mode = place_.read_only ? io::OpenMode::kReadOnly : io::OpenMode::kReadWrite;
    STRATA_ASSIGN_OR_RETURN(auto file, files.Open(segment.path, mode));
    state_.files.Add(CurrentSegment::Recovered(std::move(file), segment.header, segment.runs,
                                               segment.last_frame, segment.end_offset));
  }
  maintenance_.OweSyncsFromBefore();
  if (place_.read_only) return absl::OkStatus();
  return MakeRecoveredDurable(&state_, &appender_, recovered);
}

void Log::StartAt(const CommitPoint& end, FrameNo floor) {
  state_.index = std::make_unique<FrameIndex>(floor);
  state_.commits = std::make_unique<CommitQueue>(end, [this](FrameNo) { return appender_.Sync(); });
  counts_from_ = floor.value();
}

absl::Status Log::StartFresh(const StoreAddress& store) {
  absl::StatusOr<Identity> clean = ReadIdentity(*state_.environment.files, StrataPath());
  if (clean.ok()) {
    state_.identity = *clean;
    STRATA_RETURN_IF_ERROR(CheckStore(store));
    clean_ = *clean;
  } else if (!absl::IsNotFound(clean.status())) {
    return clean.status();
  }
  STRATA_ASSIGN_OR_RETURN(Start start, FindStart(state_.environment, place_, clean_, store));
  if (start.message.size() > 0)
    state_.environment.logger->Log(io::Severity::kWarning, start.message);
  state_.identity = start.identity;
  state_.identity.clean = CleanState{.last_frame = start.end.frame,
                                     .database_pages = start.end.database_pages,
                                     .commit_time_us = start.end.time_us,
                                     .digest = start.progress.sealed_digest};
  StartAt(start.end, start.end.frame);
  io::MutexLock lock(&state_.append_mutex);
  state_.progress = start.progress;
  return absl::OkStatus();
}

absl::Status Log::CheckStore(const StoreAddress& store) {
  if (store.url.empty()) return absl::OkStatus();
  if (store.url == state_.identity.store && store.name_space == state_.identity.name_space)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      place_.database, ": this log belongs to ",
      state_.identity.store.empty() ? "no store"
                                    : absl::StrCat("store ", state_.identity.store, " namespace ",
                                                   state_.identity.name_space),
      ", the URI says store ", store.url, " namespace ", store.name_space));
}

absl::Status Log::OpenStore() {
  if (state_.identity.store.empty() || place_.read_only) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(segment::CheckNamespaceName(state_.identity.name_space));
  STRATA_ASSIGN_OR_RETURN(store_, io::OpenStore(state_.environment.files, state_.environment.random,
                                                state_.identity.store, {}));
  shipper_.SetStore(store_.get(), IdentityPath());
  return absl::OkStatus();
}

absl::Status Log::PrepareToWrite(uint32_t page_size) {
  if (has_identity_) {
    // Before the commit: behind one, a lack of memory for threads would have to be kept quiet.
    maintenance_.Start();
    if (state_.identity.page_size == page_size) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(place_.database, ": pages of ", page_size,
                                                   " bytes, the log has ",
                                                   state_.identity.page_size));
  }
  state_.identity.page_size = page_size;
  io::FileSystem& files = *state_.environment.files;
  STRATA_RETURN_IF_ERROR(WriteIdentity(files, IdentityPath(), state_.identity, state_.ownership));
  STRATA_RETURN_IF_ERROR(files.SyncDirectory(io::DirectoryOf(state_.directory)));
  has_identity_ = true;
  maintenance_.Start();
  return absl::OkStatus();
}

absl::Status Log::CheckBacklog() {
  if (!shipper_.has_store()) return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(shipper_.stopped());
  FrameNo shipped;
  {
    io::MutexLock lock(&state_.append_mutex);
    shipped = std::max(state_.progress.shipped, state_.identity.base_frame);
  }
  const uint64_t waiting =
      state_.BytesOf(state_.commits->visible_frame().value() - shipped.value());
  if (waiting <= state_.options.backlog_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(state_.directory, ": ", waiting, " bytes wait for the store ",
                   state_.identity.store, ", the limit is ", state_.options.backlog_bytes));
}

absl::Status Log::Checkpoint(FrameNo limit, bool sync, bool caller_holds_write_lock) {
  if (place_.read_only) {
    if (state_.index->floor() == state_.commits->visible_frame()) return absl::OkStatus();
    return absl::PermissionDeniedError(absl::StrCat(place_.database, ": read-only"));
  }
  sync = sync || !maintenance_.off_only();  // another connection's commits may be more than OFF
  if (sync)
    STRATA_RETURN_IF_ERROR(
        state_.commits->WaitSynced(std::min(limit, state_.commits->visible_frame())));
  io::MutexLock lock(&state_.maintenance);
  if (shipper_.has_store() && has_identity_) {
    const int64_t deadline =
        state_.environment.clock->MonotonicMicros() + state_.options.close_ship_us;
    const absl::Status shipped =
        shipper_.ShipUpTo(std::min(limit, state_.commits->visible_frame()), deadline);
    if (!shipped.ok())
      state_.environment.logger->Log(io::Severity::kWarning, std::string(shipped.message()));
  }
  STRATA_RETURN_IF_ERROR(checkpointer_.Run(limit, sync).status());
  if (!checkpointer_.HasOldFiles()) return absl::OkStatus();
  const bool lock_here = !caller_holds_write_lock;
  if (lock_here && !state_.write_lock.TryAcquireForBackground()) return absl::OkStatus();
  const absl::Status removed = checkpointer_.RemoveOldFiles();
  if (lock_here) state_.write_lock.Release();
  return removed;
}

Log::Counts Log::counts() {
  const uint64_t tip = state_.commits->visible_frame().value();
  const uint64_t floor = state_.index->floor().value();
  const uint64_t from = counts_from_.load(std::memory_order_relaxed);
  return {tip - from, std::max(floor, from) - from};
}

void Log::RestartCountsIfEmpty() {
  const FrameNo floor = state_.index->floor();
  if (floor == state_.commits->appended().frame)
    counts_from_.store(floor.value(), std::memory_order_relaxed);
}

absl::Status Log::Truncate() {
  if (!has_identity_) return absl::OkStatus();
  appender_.CloseCurrent();
  counts_from_.store(state_.index->floor().value(), std::memory_order_relaxed);
  io::MutexLock lock(&state_.maintenance);
  appender_.spares().DropAll();
  const absl::Status removed = checkpointer_.RemoveOldFiles();
  appender_.spares().DropAll();
  return removed;
}

int64_t Log::RunMaintenance() {
  const int64_t now = state_.environment.clock->MonotonicMicros();
  if (!has_identity_)
    return now + state_.options.seal_after_us;  // as the threads, which start with the first commit
  return std::min(maintenance_.RunSyncs(now), maintenance_.RunTransfers(now));
}

}  // namespace strata::wal
