#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/shared_memory.h"
#include "wal/shared_log.h"

// This process among those that have a log open: its lock bytes in the file "lock", and the shared
// memory. docs/processes.md tells the protocol.
namespace strata::wal {

// Bytes of the file "lock". Locks are open file description locks: a process that dies gives back
// all of them.
inline constexpr uint64_t kOpenByte = 0;         // held while a process comes or goes
inline constexpr uint64_t kWriteByte = 1;        // by the process whose turn it is to write
inline constexpr uint64_t kMaintenanceByte = 2;  // for one checkpoint, seal or clean-up
inline constexpr uint64_t kProcessByte = 100;    // + slot: by a process as long as it is there

class Attachment {
 public:
  // Who may come in which way.
  enum class Access {
    kReadWrite,
    kReadOnly,  // takes part in locks and memory where it may write them, else reads alone
  };

  // Comes to the log in `directory`, which is created where need be. Until Settle() nobody else
  // comes or goes. Unavailable: others came or went for longer than a moment. PermissionDenied: a
  // log that is in use, and whose locks or memory may not be written. FailedPrecondition: it is in
  // use by another version of this library.
  static absl::StatusOr<std::unique_ptr<Attachment>> Attach(io::FileSystem* files,
                                                            const std::string& directory,
                                                            Access access,
                                                            const io::Ownership& ownership);
  ~Attachment();

  // True when nobody else has the log open: what the memory shall say is to be found by recovery.
  bool is_first() const { return first_; }
  // Without locks and shared memory, on read-only media: the memory is this process's own.
  bool is_alone_for_good() const { return lock_file_ == nullptr; }
  // The memory is complete (first), and others may come.
  absl::Status Settle();

  SharedLog& shared() const { return *reinterpret_cast<SharedLog*>(memory_->data()); }
  io::SharedMemory& memory() const { return *memory_; }
  uint32_t slot() const { return slot_; }

  absl::StatusOr<bool> TryLock(uint64_t byte);
  absl::Status Unlock(uint64_t byte);

  // Whether another process holds a byte; true when that cannot be told.
  bool IsHeldByOthers(uint64_t byte) const;
  // Whether the process in a slot lives.
  bool IsAlive(uint32_t slot) const;

  // Before leaving: nobody comes or goes until the destructor. True when nobody else is there.
  absl::StatusOr<bool> PrepareToLeave();
  // After that: whether the directory's name still leads to what was opened. When it was deleted
  // meanwhile, nothing there may be touched.
  absl::StatusOr<bool> IsNamed();
  // Gives the slot back. Without it the destructor is as a process's death: others find out.
  void Leave();
  // For tests: as the end of the process, which gives back its locks and does nothing else.
  void Die() { lock_file_.reset(); }

  // Frees the slots of processes that died; `forget` is told of each.
  void BuryDead(const std::function<void(uint32_t slot)>& forget);

  // Lets other processes, or one of them, look what there is to do.
  void Ring(uint32_t slot);
  void RingOthers();

 private:
  Attachment(io::FileSystem* files, std::string directory)
      : files_(*files), directory_(std::move(directory)) {}

  absl::Status OpenLockFile(Access access, const io::Ownership& ownership);
  absl::StatusOr<bool> LockForOpening();
  absl::Status MapMemory(const io::Ownership& ownership);
  absl::Status CheckLayout() const;
  absl::Status TakeSlot();
  absl::Status ReadAlone();

  io::FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<io::File> lock_file_;
  std::unique_ptr<io::File> lonely_lock_;
  std::unique_ptr<io::SharedMemory> memory_;
  bool first_ = true;
  bool settled_ = false;
  bool has_slot_ = false;
  uint32_t slot_ = 0;
};

// Whether any process has the log in `directory` open.
bool IsInUse(io::FileSystem& files, const std::string& directory);

// Names inside a log directory.
inline constexpr char kLockName[] = "lock";
inline constexpr char kSharedName[] = "shm";

}  // namespace strata::wal
