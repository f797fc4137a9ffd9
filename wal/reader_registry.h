#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "io/mutex.h"
#include "segment/ids.h"

namespace strata::wal {

// Who reads which snapshot. A reader announces its snapshot, then looks whether a checkpoint has
// passed it meanwhile; a checkpoint announces its limit, then looks at the readers: one of the two
// always sees the other, so that no page is overwritten in the database file that a snapshot still
// needs.
class ReaderRegistry {
 public:
  // Memory or files that a read transaction may still use, and the generation in which they went
  // out of use. A list, so that handing it on needs no memory and cannot fail.
  using Garbage = std::list<std::pair<uint64_t, std::shared_ptr<void>>>;

  // A connection's place. One thread at a time.
  class Slot {
   public:
    bool active() const { return snapshot_.load(std::memory_order_relaxed) != kIdle; }

   private:
    friend class ReaderRegistry;
    static constexpr uint64_t kIdle = UINT64_MAX;
    std::atomic<uint64_t> snapshot_{kIdle};
    std::atomic<uint64_t> started_{kIdle};  // value of generation_ when the transaction began
  };

  std::shared_ptr<Slot> Register();
  void Unregister(const std::shared_ptr<Slot>& slot);

  // Announces `snapshot`. False when a checkpoint has passed it: announce a newer one.
  bool Begin(Slot* slot, segment::FrameNo snapshot);
  // Moves an announced snapshot forward (its own commit).
  void Advance(Slot* slot, segment::FrameNo snapshot);
  void End(Slot* slot);

  // Lowers `limit` to the oldest announced snapshot and keeps new readers from older ones than the
  // result.
  segment::FrameNo LimitCheckpoint(segment::FrameNo limit);

  // Oldest announced snapshot, except `self`'s; `otherwise` when there is none.
  segment::FrameNo OldestSnapshot(segment::FrameNo otherwise, const Slot* self = nullptr);

  // A moment in the order of read transactions, and whether any that began by then is still open.
  uint64_t NextGeneration() { return generation_.fetch_add(1, std::memory_order_seq_cst); }
  bool AnyStartedBy(uint64_t generation);

  // Keeps memory or files alive until every read transaction that may use them has ended.
  void Retire(Garbage garbage);
  void CollectGarbage();

 private:
  std::atomic<uint64_t> checkpoint_limit_{0};
  std::atomic<uint64_t> generation_{1};
  io::Mutex mutex_;
  std::vector<std::shared_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
  Garbage retired_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::wal
