#include "wal/log.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "io/store_url.h"
#include "segment/store_layout.h"
#include "wal/copied_database.h"
#include "wal/maintenance_lock.h"
#include "wal/recovery.h"

namespace strata::wal {

using segment::FrameNo;

namespace {
constexpr int64_t kMaintenanceWaitUs = 2'000'000;
}

Log::Log(const LogPlace& place, const Environment& environment, const Options& options,
         std::unique_ptr<Attachment> attachment, const io::Ownership& ownership)
    : place_(place),
      state_(environment, options, place.directory, std::move(attachment)),
      appender_(&state_),
      follower_(&state_, place.read_only),
      ownership_(&state_, &appender_, &follower_),
      checkpointer_(&state_, &appender_, place.open_database),
      sealer_(&state_, &checkpointer_),
      shipper_(&state_, &checkpointer_, &sealer_),
      revival_(&state_, &appender_, place.open_database),
      maintenance_(&state_, &appender_, &checkpointer_, &shipper_, &follower_, &ownership_,
                   &revival_) {
  state_.ownership = ownership;
  if (!place.read_only) state_.write_lock.SetProcess(&ownership_);
}

Log::~Log() { maintenance_.Stop(); }

absl::StatusOr<std::shared_ptr<Log>> Log::Open(const LogPlace& place, const StoreAddress& store,
                                               const Environment& environment,
                                               const Options& options) {
  STRATA_ASSIGN_OR_RETURN(const bool network,
                          environment.files->IsNetwork(io::DirectoryOf(place.directory)));
  if (network) {
    return absl::FailedPreconditionError(absl::StrCat(
        place.database, ": on a network file system, whose locks and syncs cannot be relied upon"));
  }
  io::Ownership ownership;
  const absl::StatusOr<io::FileInfo> database = environment.files->Stat(place.database);
  if (database.ok()) {
    ownership = {.mode = database->mode & 0777,
                 .set_owner = true,
                 .uid = database->uid,
                 .gid = database->gid};
  }
  const auto access =
      place.read_only ? Attachment::Access::kReadOnly : Attachment::Access::kReadWrite;
  STRATA_ASSIGN_OR_RETURN(
      auto attachment, Attachment::Attach(environment.files, place.directory, access, ownership));
  if (place.alone && !attachment->is_first()) {
    return absl::UnavailableError(
        absl::StrCat(place.database, ": another process has this database open"));
  }
  auto log =
      std::shared_ptr<Log>(new Log(place, environment, options, std::move(attachment), ownership));
  const absl::Status opened =
      log->state_.attachment->is_first() ? log->OpenFirst(store) : log->Join(store);
  if (!opened.ok()) {
    const absl::StatusOr<bool> last = log->state_.attachment->PrepareToLeave();
    if (last.ok() && *last) log->RemoveWhatReadersMade();
    log->state_.attachment->Leave();
    if (!log->has_left_store_) return opened;
    log.reset();
    STRATA_RETURN_IF_ERROR(FinishLeaving(place, environment, options));
    return Open(place, store, environment, options);
  }
  if (log->has_identity() && !place.read_only)
    log->maintenance_.Start();  // what was recovered is to be shipped
  return log;
}

absl::Status Log::OpenFirst(const StoreAddress& store) {
  state_.shared.next_sequence.store(1);
  STRATA_RETURN_IF_ERROR(Recover(store));
  STRATA_RETURN_IF_ERROR(OpenStore());
  return state_.attachment->Settle();
}

// The slot of this process may have been that of one that died; nobody else can take it for its
// readers' as long as nobody comes or goes.
absl::Status Log::Join(const StoreAddress& store) {
  state_.readers.ForgetProcess(state_.attachment->slot());
  STRATA_RETURN_IF_ERROR(state_.attachment->Settle());
  state_.attachment->RingOthers();  // from now on they watch each other
  MakeParts(state_.shared.checkpointed.Load().frame);
  STRATA_RETURN_IF_ERROR(follower_.CatchUp());
  if (has_identity()) {
    STRATA_RETURN_IF_ERROR(CheckHasNotLeft(store));
    return OpenStore();
  }
  STRATA_ASSIGN_OR_RETURN(const Start start, FindOwnStart(store));
  {
    io::MutexLock lock(&state_.append_mutex);
    if (!has_identity()) state_.identity = start.identity;
  }
  return OpenStore();
}

absl::Status Log::Recover(const StoreAddress& store) {
  absl::StatusOr<RecoveredLog> recovered =
      RecoverLog(*state_.environment.files, state_.directory,
                 state_.options.accept_loss ? OnDamage::kAcceptLoss : OnDamage::kRefuse);
  if (absl::IsNotFound(recovered.status())) return StartFresh(store);
  STRATA_RETURN_IF_ERROR(recovered.status());
  state_.identity = recovered->identity;
  STRATA_RETURN_IF_ERROR(state_.options.without_store ? CheckStore(store) : CheckHasNotLeft(store));
  STRATA_ASSIGN_OR_RETURN(const bool elsewhere, StartsElsewhere(*recovered));
  if (elsewhere) {
    STRATA_RETURN_IF_ERROR(CheckDatabaseFile(*recovered));
    if (!place_.read_only) {
      STRATA_RETURN_IF_ERROR(
          RemoveLeftovers(*state_.environment.files, state_.directory, recovered->leftovers));
    }
    return StartFresh(store);
  }
  state_.identity_version.store(1);
  state_.shared.has_identity.store(1);
  STRATA_RETURN_IF_ERROR(AdoptRecovered(*recovered));
  return state_.options.without_store ? LeaveStore() : absl::OkStatus();
}

// With nothing but an identity in the directory all is in the database file, and app.db-strata, if
// it was written by the close that left the identity behind, knows better where the history ends.
absl::StatusOr<bool> Log::StartsElsewhere(const RecoveredLog& recovered) {
  if (!recovered.untouched) return false;
  if (recovered.identity.store.empty()) return true;
  const absl::StatusOr<Identity> clean = ReadIdentity(*state_.environment.files, StrataPath());
  if (absl::IsNotFound(clean.status())) return false;
  STRATA_RETURN_IF_ERROR(clean.status());
  return clean->clean.has_value() && clean->log_id == recovered.identity.log_id &&
         clean->clean->last_frame >= recovered.end.frame;
}

absl::Status Log::AdoptRecovered(const RecoveredLog& recovered) {
  io::FileSystem& files = *state_.environment.files;
  const FrameNo floor = recovered.checkpointed.frame;
  MakeParts(floor);
  state_.shared.counts_from.store(floor.value());
  state_.shared.next_sequence.store(recovered.next_sequence);
  state_.shared.recovered_end.store(recovered.end.frame.value());
  {
    io::MutexLock lock(&state_.append_mutex);
    state_.progress.checkpointed = recovered.checkpointed;
    state_.progress.sealed = recovered.sealed;
    state_.progress.sealed_digest = recovered.sealed_digest;
    state_.progress.shipped = recovered.shipped;
    state_.PublishProgress();
    for (segment::PageNo page : recovered.pages) state_.index->Append(page);
  }
  for (const RecoveredSegment& segment : recovered.segments) {
    const io::OpenMode mode = place_.read_only ? io::OpenMode::kReadOnly : io::OpenMode::kReadWrite;
    STRATA_ASSIGN_OR_RETURN(auto file, files.Open(segment.path, mode));
    state_.files.Add(CurrentSegment::Recovered(std::move(file), segment.header, segment.runs,
                                               segment.last_frame, segment.end_offset));
  }
  maintenance_.OweSyncsFromBefore();
  const FrameNo durable = std::max(floor, recovered.durable);
  STRATA_RETURN_IF_ERROR(CheckDatabaseFile(recovered));
  if (place_.read_only) {
    ownership_.PublishRecovered(recovered.end, {durable}, false);
    return absl::OkStatus();
  }
  STRATA_RETURN_IF_ERROR(MakeRecoveredDurable(&state_, &appender_, recovered));
  ownership_.PublishRecovered(recovered.end, recovered.end, true);
  return NoteDatabaseFile();
}

absl::Status Log::CheckDatabaseFile(const RecoveredLog& recovered) {
  database_file_ = FileOf(place_, state_.environment);
  if (!IsCopied(recovered.identity, database_file_) || state_.options.accept_loss)
    return absl::OkStatus();
  state_.environment.logger->Log(
      io::Severity::kInfo,
      absl::StrCat(place_.database, ": is a copy; looking whether it belongs to its log"));
  return CheckCopy(place_, state_, recovered);
}

// A copy is looked at once.
absl::Status Log::NoteDatabaseFile() {
  if (!IsCopied(state_.identity, database_file_)) return absl::OkStatus();
  state_.identity.database_file = database_file_;
  return WriteIdentity(*state_.environment.files, IdentityPath(), state_.identity,
                       state_.ownership);
}

void Log::MakeParts(FrameNo floor) {
  state_.index = std::make_unique<FrameIndex>(floor);
  state_.commits = std::make_unique<CommitQueue>(
      &state_.shared.commits, [this](FrameNo, SyncHandle handle) { return appender_.Sync(handle); },
      state_.environment.clock);
}

absl::StatusOr<Start> Log::FindOwnStart(const StoreAddress& store) {
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
  start.identity.clean = CleanState{.last_frame = start.end.frame,
                                    .database_pages = start.end.database_pages,
                                    .commit_time_us = start.end.time_us,
                                    .digest = start.progress.sealed_digest};
  return start;
}

absl::Status Log::StartFresh(const StoreAddress& store) {
  STRATA_ASSIGN_OR_RETURN(const Start start, FindOwnStart(store));
  MakeParts(start.end.frame);
  state_.shared.counts_from.store(start.end.frame.value());
  {
    io::MutexLock lock(&state_.append_mutex);
    state_.identity = start.identity;
    state_.progress = start.progress;
    state_.PublishProgress();
  }
  begins_without_past_ = !clean_.has_value();
  ownership_.PublishRecovered(start.end, start.end, true);
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
      ", the URI says store ", store.url, " namespace ", store.name_space,
      ". To leave the old one: close the database everywhere, and remove ", StrataPath()));
}

absl::Status Log::OpenStore() {
  if (state_.identity.store.empty() && state_.options.commits_wait_for_store) {
    return absl::InvalidArgumentError(
        absl::StrCat(place_.database, ": durable=store, but this database has no store"));
  }
  if (state_.identity.store.empty() || place_.read_only || state_.options.without_store)
    return absl::OkStatus();
  STRATA_RETURN_IF_ERROR(segment::CheckNamespaceName(state_.identity.name_space));
  STRATA_ASSIGN_OR_RETURN(store_, io::OpenStore(state_.environment.files, state_.environment.random,
                                                state_.identity.store, {}));
  state_.store = store_.get();
  shipper_.SetStore(store_.get(), IdentityPath());
  return begins_without_past_ ? CheckFirstContact() : absl::OkStatus();
}

absl::Status Log::PrepareToWrite(uint32_t page_size) {
  if (has_identity()) {
    // Before the commit: behind one, a lack of memory for threads would have to be kept quiet.
    maintenance_.Start();
    if (state_.identity.page_size == page_size) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(place_.database, ": pages of ", page_size,
                                                   " bytes, the log has ",
                                                   state_.identity.page_size));
  }
  state_.identity.page_size = page_size;
  state_.identity.database_file = FileOf(place_, state_.environment);
  io::FileSystem& files = *state_.environment.files;
  STRATA_RETURN_IF_ERROR(WriteIdentity(files, IdentityPath(), state_.identity, state_.ownership));
  STRATA_RETURN_IF_ERROR(files.SyncDirectory(io::DirectoryOf(state_.directory)));
  state_.identity_version.store(state_.shared.has_identity.fetch_add(1) + 1);
  maintenance_.Start();
  return absl::OkStatus();
}

absl::Status Log::CheckRoom() {
  STRATA_RETURN_IF_ERROR(CheckBacklog());
  return CheckLogBytes();
}

uint64_t Log::BytesBeyondCheckpoint() {
  const uint64_t tip = state_.commits->visible_frame().value();
  return state_.BytesOf(tip - std::min(tip, state_.index->floor().value()));
}

// A writer may be faster than the background: it does the checkpoint that is due itself.
absl::Status Log::CheckLogBytes() {
  const uint64_t limit = state_.options.log_bytes;
  if (limit == 0 || BytesBeyondCheckpoint() <= limit) return absl::OkStatus();
  const absl::Status done =
      Checkpoint(state_.commits->visible_frame(), !maintenance_.off_only(), true);
  const uint64_t bytes = BytesBeyondCheckpoint();
  if (bytes <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      state_.directory, ": ", bytes, " bytes are not in the database file yet, log_bytes is ",
      limit, done.ok() ? ": a reader holds on to an old snapshot" : ": ", done.message()));
}

absl::Status Log::CheckBacklog() {
  if (!shipper_.has_store()) return absl::OkStatus();
  if (!state_.options.commits_when_fenced) STRATA_RETURN_IF_ERROR(shipper_.stopped());
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

// What a process let go of without a sync is whose turn comes first; what another one is about to
// sync is left for later.
absl::Status Log::SyncForCheckpoint(FrameNo frame) {
  absl::Status synced = state_.commits->WaitSynced(frame);
  if (absl::IsUnavailable(synced) && state_.write_lock.TryAcquireForBackground()) {
    const auto release = absl::MakeCleanup([this] { state_.write_lock.Release(); });
    synced = state_.commits->WaitSynced(frame);
  }
  return absl::IsUnavailable(synced) ? absl::OkStatus() : synced;
}

absl::Status Log::Checkpoint(FrameNo limit, bool sync, bool caller_holds_write_lock,
                             const CheckpointWatcher& watcher) {
  if (place_.read_only) {
    if (state_.index->floor() == state_.commits->visible_frame()) return absl::OkStatus();
    return absl::PermissionDeniedError(absl::StrCat(place_.database, ": read-only"));
  }
  if (state_.maintainer.load() == std::this_thread::get_id()) {
    return absl::UnavailableError(
        absl::StrCat(state_.directory, ": asked for from inside a checkpoint of the same thread"));
  }
  sync = sync || !maintenance_.off_only();  // another connection's commits may be more than OFF
  if (sync)
    STRATA_RETURN_IF_ERROR(SyncForCheckpoint(std::min(limit, state_.commits->visible_frame())));
  const int64_t deadline =
      state_.environment.clock->MonotonicMicros() + state_.options.close_ship_us;
  MaintenanceLock lock(&state_, &follower_, kMaintenanceWaitUs);
  STRATA_RETURN_IF_ERROR(lock.status());
  if (shipper_.has_store() && has_identity()) {
    const absl::Status shipped =
        shipper_.ShipUpTo(std::min(limit, state_.commits->visible_frame()), deadline);
    if (!shipped.ok())
      state_.environment.logger->Log(io::Severity::kWarning, std::string(shipped.message()));
  }
  sync = sync || !maintenance_.off_only();  // while this one waited for the lock, too
  STRATA_RETURN_IF_ERROR(checkpointer_.Run(limit, sync, watcher).status());
  if (!checkpointer_.HasOldFiles()) return absl::OkStatus();
  if (caller_holds_write_lock) return checkpointer_.RemoveOldFiles();
  if (!state_.write_lock.TryAcquireForBackground()) return absl::OkStatus();
  const auto release = absl::MakeCleanup([this] { state_.write_lock.Release(); });
  return checkpointer_.RemoveOldFiles();
}

void Log::HandOver() {
  if (!ownership_.owned() || !state_.write_lock.TryAcquireForBackground()) return;
  ownership_.HandOver();
  state_.write_lock.Release();
}

Log::Counts Log::counts() {
  // What grows is loaded after what it is compared with.
  const uint64_t from = state_.shared.counts_from.load(std::memory_order_acquire);
  const uint64_t floor = std::max(from, state_.shared.checkpointed.frame().value());
  const uint64_t tip = std::max(floor, state_.commits->visible_frame().value());
  return {tip - from, floor - from};
}

void Log::RestartCountsIfEmpty() {
  const FrameNo floor = state_.shared.checkpointed.frame();
  const uint64_t emptied = state_.shared.readers.emptied.load(std::memory_order_relaxed);
  // A reader from before then still reads the log, and its snapshot can be opened again.
  if (floor == state_.commits->appended().frame && !state_.readers.AnyStartedBy(emptied))
    state_.shared.counts_from.store(floor.value(), std::memory_order_relaxed);
}

absl::StatusOr<FrameNo> Log::OldestWhole() {
  MaintenanceLock lock(&state_, &follower_, kMaintenanceWaitUs);
  STRATA_RETURN_IF_ERROR(lock.status());
  return checkpointer_.LastCopied(recovered_end());
}

absl::Status Log::Truncate() {
  if (!has_identity()) return absl::OkStatus();
  appender_.CloseCurrent();
  state_.shared.counts_from.store(state_.index->floor().value(), std::memory_order_relaxed);
  MaintenanceLock lock(&state_, &follower_, kMaintenanceWaitUs);
  STRATA_RETURN_IF_ERROR(lock.status());
  appender_.spares().DropAll();
  const absl::Status removed = checkpointer_.RemoveOldFiles();
  appender_.spares().DropAll();
  return removed;
}

int64_t Log::RunMaintenance() {
  const int64_t now = state_.environment.clock->MonotonicMicros();
  if (!has_identity()) {  // as the threads, which start with the first commit
    return std::min(now + state_.options.seal_after_us, ownership_.LookAround(now));
  }
  const int64_t transfers = maintenance_.RunTransfers(now);
  return std::min(transfers, maintenance_.RunSyncs(now));
}

}  // namespace strata::wal
