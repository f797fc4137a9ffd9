#include "wal/attachment.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "io/forked_locks.h"
#include "io/random.h"
#include "io/sleeper.h"
#include "io/status_macros.h"

namespace strata::wal {

namespace {

constexpr int kLockTries = 400;       // with kBetweenTriesUs, how long others may come and go
constexpr int kVanishedTries = 1000;  // a directory that is removed again and again
constexpr int64_t kBetweenTriesUs = 5'000;
constexpr uint64_t kFirstProbeByte = 1ull << 40;
constexpr io::LockRange kAllProcesses{kProcessByte, kMaxProcesses};

io::LockRange Byte(uint64_t at) { return {at, 1}; }

}  // namespace

absl::StatusOr<std::unique_ptr<Attachment>> Attachment::Attach(io::FileSystem* files,
                                                               const std::string& directory,
                                                               Access access,
                                                               const io::Ownership& ownership) {
  auto attachment = std::unique_ptr<Attachment>(new Attachment(files, directory));
  const absl::Status opened = attachment->OpenLockFile(access, ownership);
  if (access == Access::kReadOnly &&
      (absl::IsPermissionDenied(opened) || absl::IsNotFound(opened))) {
    STRATA_RETURN_IF_ERROR(attachment->ReadAlone());
    return attachment;
  }
  STRATA_RETURN_IF_ERROR(opened);
  STRATA_ASSIGN_OR_RETURN(const bool others,
                          attachment->lock_file_->IsLockedByOthers(kAllProcesses));
  attachment->first_ = !others;
  const absl::Status mapped = attachment->MapMemory(ownership);
  if (access == Access::kReadOnly && !others && absl::IsPermissionDenied(mapped)) {
    attachment->lock_file_.reset();
    STRATA_RETURN_IF_ERROR(attachment->ReadAlone());
    return attachment;
  }
  STRATA_RETURN_IF_ERROR(mapped);
  STRATA_RETURN_IF_ERROR(attachment->TakeSlot());
  return attachment;
}

Attachment::~Attachment() {
  if (!settled_) Leave();
}

void Attachment::Leave() {
  if (!has_slot_) return;
  has_slot_ = false;
  SharedProcess& process = shared().processes[slot_];
  if (process.pid.exchange(0) != 0) shared().attached.fetch_sub(1);
}

// Holds the open byte of the file that the name leads to: who closes a log unlinks it.
absl::Status Attachment::OpenLockFile(Access, const io::Ownership& ownership) {
  const std::string path = absl::StrCat(directory_, "/", kLockName);
  int waits = 0;
  for (int tries = 0; tries < kVanishedTries; ++tries) {
    const absl::Status created = files_.CreateDirectory(directory_, ownership);
    if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
    absl::StatusOr<std::unique_ptr<io::File>> file =
        files_.Open(path, io::OpenMode::kCreateOrOpen, ownership);
    if (absl::IsNotFound(file.status())) continue;  // the directory went away again
    STRATA_RETURN_IF_ERROR(file.status());
    STRATA_ASSIGN_OR_RETURN(const bool locked,
                            (*file)->TryLockRange(Byte(kOpenByte), io::LockKind::kExclusive));
    if (!locked) {
      if (++waits > kLockTries) break;
      io::RealSleeper().Sleep(kBetweenTriesUs);
      continue;
    }
    lock_file_ = *std::move(file);
    STRATA_ASSIGN_OR_RETURN(const bool named, LockForOpening());
    if (named) return absl::OkStatus();
    lock_file_.reset();
  }
  return absl::UnavailableError(
      absl::StrCat(directory_, ": another process is opening or closing this database"));
}

// Whether the name still leads to the file that is locked: that another file's open byte is held
// says nothing, a byte that nobody else thinks of does.
absl::StatusOr<bool> Attachment::LockForOpening() {
  const absl::StatusOr<std::unique_ptr<io::File>> again =
      files_.Open(lock_file_->path(), io::OpenMode::kReadWrite);
  if (absl::IsNotFound(again.status())) return false;
  STRATA_RETURN_IF_ERROR(again.status());
  const io::LockRange mine = Byte(kFirstProbeByte + io::SystemRandom().Next64() % kFirstProbeByte);
  STRATA_ASSIGN_OR_RETURN(const bool free,
                          lock_file_->TryLockRange(mine, io::LockKind::kExclusive));
  if (!free) return false;
  STRATA_ASSIGN_OR_RETURN(const bool same, (*again)->IsLockedByOthers(mine));
  STRATA_RETURN_IF_ERROR(lock_file_->UnlockRange(mine));
  return same;
}

absl::StatusOr<bool> Attachment::IsNamed() {
  return is_alone_for_good() ? absl::StatusOr<bool>(true) : LockForOpening();
}

// A memory that others map is never shortened or filled anew: the first takes a new file.
absl::Status Attachment::MapMemory(const io::Ownership& ownership) {
  const std::string path = absl::StrCat(directory_, "/", kSharedName);
  if (first_) {
    const absl::Status removed = files_.Unlink(path);
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  STRATA_ASSIGN_OR_RETURN(
      memory_, files_.MapShared(path, first_ ? io::OpenMode::kCreate : io::OpenMode::kReadWrite,
                                sizeof(SharedLog), ownership));
  if (first_)
    return memory_->Reserve(offsetof(SharedLog, reader_slots) + 64 * sizeof(SharedReader));
  return CheckLayout();
}

absl::Status Attachment::CheckLayout() const {
  STRATA_ASSIGN_OR_RETURN(const uint64_t reserved, memory_->Reserved());
  if (reserved >= offsetof(SharedLog, reader_slots) && shared().magic.load() == SharedLog::kMagic &&
      shared().layout_version.load() == kSharedLayoutVersion) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      directory_, ": another process has this database open with another version of Strata"));
}

absl::Status Attachment::TakeSlot() {
  for (uint32_t slot = 0; slot < kMaxProcesses; ++slot) {
    STRATA_ASSIGN_OR_RETURN(const bool locked, lock_file_->TryLockRange(Byte(kProcessByte + slot),
                                                                        io::LockKind::kExclusive));
    if (!locked) continue;
    slot_ = slot;
    has_slot_ = true;
    SharedProcess& process = shared().processes[slot];
    // In this order: whoever is killed in between is counted once too often, never too seldom.
    shared().attached.fetch_add(1);
    if (process.pid.exchange(io::ProcessId()) != 0) shared().attached.fetch_sub(1);
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(directory_, ": ", kMaxProcesses, " processes have this database open"));
}

// What others write meanwhile would go unnoticed: so nobody else may be there, nor come, as far as
// locks can be had at all.
absl::Status Attachment::ReadAlone() {
  memory_ = io::NewHeapMemory(sizeof(SharedLog));
  first_ = true;
  auto file = files_.Open(absl::StrCat(directory_, "/", kLockName), io::OpenMode::kReadOnly);
  if (!file.ok()) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(const bool others, (*file)->IsLockedByOthers(kAllProcesses));
  if (others) {
    return absl::PermissionDeniedError(
        absl::StrCat(directory_, ": other processes have this database open; to read beside them, ",
                     kLockName, " and ", kSharedName, " in there must be writable"));
  }
  STRATA_ASSIGN_OR_RETURN(const bool locked,
                          (*file)->TryLockRange(Byte(kOpenByte), io::LockKind::kShared));
  if (!locked) {
    return absl::UnavailableError(
        absl::StrCat(directory_, ": another process is opening or closing this database"));
  }
  lonely_lock_ = *std::move(file);
  return absl::OkStatus();
}

absl::Status Attachment::Settle() {
  settled_ = true;
  if (is_alone_for_good()) return absl::OkStatus();
  if (first_) {
    shared().layout_version.store(kSharedLayoutVersion);
    shared().magic.store(SharedLog::kMagic);
  }
  return lock_file_->UnlockRange(Byte(kOpenByte));
}

absl::StatusOr<bool> Attachment::TryLock(uint64_t byte) {
  if (is_alone_for_good()) return true;
  return lock_file_->TryLockRange(Byte(byte), io::LockKind::kExclusive);
}

absl::Status Attachment::Unlock(uint64_t byte) {
  return is_alone_for_good() ? absl::OkStatus() : lock_file_->UnlockRange(Byte(byte));
}

bool Attachment::IsHeldByOthers(uint64_t byte) const {
  if (is_alone_for_good()) return false;
  const absl::StatusOr<bool> locked = lock_file_->IsLockedByOthers(Byte(byte));
  return !locked.ok() || *locked;
}

bool Attachment::IsAlive(uint32_t slot) const {
  return slot == slot_ || IsHeldByOthers(kProcessByte + slot);
}

absl::StatusOr<bool> Attachment::PrepareToLeave() {
  if (is_alone_for_good()) return true;
  for (int tries = 0;; ++tries) {
    STRATA_ASSIGN_OR_RETURN(const bool locked, TryLock(kOpenByte));
    if (locked) break;
    if (tries == kLockTries) {
      return absl::UnavailableError(
          absl::StrCat(directory_, ": another process is opening or closing this database"));
    }
    io::RealSleeper().Sleep(kBetweenTriesUs);
  }
  STRATA_ASSIGN_OR_RETURN(const bool others, lock_file_->IsLockedByOthers(kAllProcesses));
  return !others;
}

void Attachment::BuryDead(const std::function<void(uint32_t slot)>& forget) {
  if (is_alone_for_good()) return;
  const absl::StatusOr<bool> locked = TryLock(kOpenByte);
  if (!locked.ok() || !*locked) return;
  for (uint32_t slot = 0; slot < kMaxProcesses; ++slot) {
    SharedProcess& process = shared().processes[slot];
    if (slot == slot_ || process.pid.load() == 0 || IsAlive(slot)) continue;
    forget(slot);
    if (process.pid.exchange(0) != 0) shared().attached.fetch_sub(1);
  }
  Unlock(kOpenByte).IgnoreError();
}

void Attachment::Ring(uint32_t slot) {
  SharedProcess& process = shared().processes[slot];
  process.bell.fetch_add(1, std::memory_order_seq_cst);
  memory_->Wake(process.bell);
}

void Attachment::RingOthers() {
  if (shared().attached.load() <= 1) return;
  for (uint32_t slot = 0; slot < kMaxProcesses; ++slot) {
    if (slot != slot_ && shared().processes[slot].pid.load() != 0) Ring(slot);
  }
}

bool IsInUse(io::FileSystem& files, const std::string& directory) {
  const auto file = files.Open(absl::StrCat(directory, "/", kLockName), io::OpenMode::kReadOnly);
  if (!file.ok()) return false;
  const absl::StatusOr<bool> locked = (*file)->IsLockedByOthers({});
  return locked.ok() && *locked;
}

}  // namespace strata::wal
