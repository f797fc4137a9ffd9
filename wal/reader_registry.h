#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "io/mutex.h"
#include "io/shared_memory.h"
#include "segment/ids.h"
#include "wal/shared_log.h"

namespace strata::wal {

// Who reads which snapshot, in this process and in others. A reader announces its snapshot, then
// looks whether a checkpoint has passed it meanwhile; a checkpoint announces its limit, then looks
// at the readers: one of the two always sees the other, so that no page is overwritten in the
// database file that a snapshot still needs.
class ReaderRegistry {
 public:
  // Memory or files that a read transaction may still use, and the generation in which they went
  // out of use. A list, so that handing it on needs no memory and cannot fail.
  using Garbage = std::list<std::pair<uint64_t, std::shared_ptr<void>>>;

  // A connection's place. One thread at a time.
  using Slot = SharedReader;
  static bool IsActive(const Slot& slot) {
    return slot.snapshot.load(std::memory_order_relaxed) != 0;
  }

  // Readers of this process alone.
  ReaderRegistry();
  // `memory` holds a SharedLog. `self` is this process's slot there; `is_alive` tells whether
  // another one's process lives. Both outlive this.
  ReaderRegistry(io::SharedMemory* memory, uint32_t self,
                 std::function<bool(uint32_t process)> is_alive);

  // ResourceExhausted: too many connections, or no room for the memory of one more.
  absl::StatusOr<Slot*> Register();
  void Unregister(Slot* slot);

  // Announces `snapshot`. False when a checkpoint has passed it: announce a newer one.
  // `keeps_log`: counts as one that began before everything was in the database file, so that the
  // log is not started again under it.
  bool Begin(Slot* slot, segment::FrameNo snapshot, bool keeps_log = false);
  // Moves an announced snapshot forward (its own commit).
  void Advance(Slot* slot, segment::FrameNo snapshot);
  void End(Slot* slot);

  // Lowers `limit` to the oldest announced snapshot and keeps new readers from older ones than the
  // result. One caller at a time among all processes.
  segment::FrameNo LimitCheckpoint(segment::FrameNo limit);

  // Oldest announced snapshot, except `self`'s; `otherwise` when there is none.
  segment::FrameNo OldestSnapshot(segment::FrameNo otherwise, const Slot* self = nullptr);

  // A moment in the order of read transactions, and whether any that began by then is still open.
  uint64_t NextGeneration() { return generation().fetch_add(1, std::memory_order_seq_cst) + 1; }
  bool AnyStartedBy(uint64_t generation);

  // Keeps memory or files alive until every read transaction of this process that may use them has
  // ended.
  void Retire(Garbage garbage);
  void CollectGarbage();

  // Frees the slots of a process that is no more, and whose slot nobody can take meanwhile.
  void ForgetProcess(uint32_t process);
  // Whether slots of dead processes were met since the last call.
  bool TakeMetDead() { return met_dead_.exchange(false, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t>& generation() { return shared_.readers.generation; }
  // Of a slot that holds somebody up: false when its process is no more. It stays for
  // ForgetProcess: here, another one could take the slot under our hands.
  bool Lives(const Slot& slot);

  const std::unique_ptr<io::SharedMemory> own_memory_;
  io::SharedMemory& memory_;
  SharedLog& shared_;
  const uint32_t self_;
  const std::function<bool(uint32_t)> is_alive_;
  std::atomic<bool> met_dead_{false};
  io::Mutex mutex_;
  std::vector<Slot*> slots_ ABSL_GUARDED_BY(mutex_);  // of this process
  Garbage retired_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
