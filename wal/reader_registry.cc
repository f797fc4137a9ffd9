#include "wal/reader_registry.h"

#include <algorithm>

namespace strata::wal {

using segment::FrameNo;

std::shared_ptr<ReaderRegistry::Slot> ReaderRegistry::Register() {
  auto slot = std::make_shared<Slot>();
  io::MutexLock lock(&mutex_);
  slots_.push_back(slot);
  return slot;
}

void ReaderRegistry::Unregister(const std::shared_ptr<Slot>& slot) {
  io::MutexLock lock(&mutex_);
  slots_.erase(std::remove(slots_.begin(), slots_.end(), slot), slots_.end());
}

bool ReaderRegistry::Begin(Slot* slot, FrameNo snapshot) {
  slot->started_.store(generation_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
  slot->snapshot_.store(snapshot.value(), std::memory_order_seq_cst);
  if (checkpoint_limit_.load(std::memory_order_seq_cst) <= snapshot.value()) return true;
  End(slot);
  return false;
}

void ReaderRegistry::Advance(Slot* slot, FrameNo snapshot) {
  slot->snapshot_.store(snapshot.value(), std::memory_order_seq_cst);
}

void ReaderRegistry::End(Slot* slot) {
  slot->snapshot_.store(Slot::kIdle, std::memory_order_release);
  slot->started_.store(Slot::kIdle, std::memory_order_release);
}

FrameNo ReaderRegistry::LimitCheckpoint(FrameNo limit) {
  const uint64_t before = checkpoint_limit_.load(std::memory_order_seq_cst);
  checkpoint_limit_.store(std::max(before, limit.value()), std::memory_order_seq_cst);
  const FrameNo allowed = std::max(FrameNo(before), OldestSnapshot(limit));
  checkpoint_limit_.store(allowed.value(), std::memory_order_seq_cst);
  return allowed;
}

FrameNo ReaderRegistry::OldestSnapshot(FrameNo otherwise, const Slot* self) {
  io::MutexLock lock(&mutex_);
  uint64_t oldest = otherwise.value();
  for (const std::shared_ptr<Slot>& slot : slots_) {
    if (slot.get() != self)
      oldest = std::min(oldest, slot->snapshot_.load(std::memory_order_seq_cst));
  }
  return FrameNo(oldest);
}

void ReaderRegistry::Retire(Garbage garbage) {
  if (garbage.empty()) return;
  const uint64_t generation = generation_.fetch_add(1, std::memory_order_seq_cst);
  io::MutexLock lock(&mutex_);
  for (auto& item : garbage) item.first = generation;
  retired_.splice(retired_.end(), garbage);
}

bool ReaderRegistry::AnyStartedBy(uint64_t generation) {
  io::MutexLock lock(&mutex_);
  return std::any_of(slots_.begin(), slots_.end(), [&](const std::shared_ptr<Slot>& slot) {
    return slot->started_.load(std::memory_order_seq_cst) <= generation;
  });
}

void ReaderRegistry::CollectGarbage() {
  Garbage free;  // declared first: destroyed outside the lock
  io::MutexLock lock(&mutex_);
  uint64_t oldest = UINT64_MAX;
  for (const std::shared_ptr<Slot>& slot : slots_) {
    oldest = std::min(oldest, slot->started_.load(std::memory_order_seq_cst));
  }
  auto kept = retired_.begin();
  while (kept != retired_.end() && kept->first < oldest) ++kept;
  free.splice(free.end(), retired_, retired_.begin(), kept);
}

}  // namespace strata::wal
