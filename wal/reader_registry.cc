#include "wal/reader_registry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "io/errno_status.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;

namespace {

constexpr uint32_t kReservedAtOnce = 64;  // slots

}  // namespace

ReaderRegistry::ReaderRegistry()
    : own_memory_(io::NewHeapMemory(sizeof(SharedLog))),
      memory_(*own_memory_),
      shared_(*reinterpret_cast<SharedLog*>(memory_.data())),
      self_(0) {}

ReaderRegistry::ReaderRegistry(io::SharedMemory* memory, uint32_t self,
                               std::function<bool(uint32_t process)> is_alive)
    : memory_(*memory),
      shared_(*reinterpret_cast<SharedLog*>(memory_.data())),
      self_(self),
      is_alive_(std::move(is_alive)) {}

absl::StatusOr<ReaderRegistry::Slot*> ReaderRegistry::Register() {
  io::MutexLock lock(&mutex_);
  slots_.reserve(slots_.size() + 1);
  for (uint32_t at = 0; at < kMaxReaders; ++at) {
    if (at % kReservedAtOnce == 0 && at >= shared_.readers.high_water.load()) {
      const auto end = reinterpret_cast<uint8_t*>(&shared_.reader_slots[at + kReservedAtOnce]);
      STRATA_RETURN_IF_ERROR(memory_.Reserve(static_cast<uint64_t>(end - memory_.data())));
    }
    Slot& slot = shared_.reader_slots[at];
    uint32_t nobody = 0;
    if (!slot.process.compare_exchange_strong(nobody, self_ + 1)) continue;
    uint32_t high = shared_.readers.high_water.load();
    while (high <= at && !shared_.readers.high_water.compare_exchange_weak(high, at + 1)) {
    }
    slots_.push_back(&slot);
    return &slot;
  }
  return io::LackError(
      io::Lack::kDescriptors,
      absl::StrCat("all places for ", kMaxReaders, " connections to one database are taken"));
}

void ReaderRegistry::Unregister(Slot* slot) {
  io::MutexLock lock(&mutex_);
  std::erase(slots_, slot);
  End(slot);
  slot->process.store(0, std::memory_order_seq_cst);
}

bool ReaderRegistry::Begin(Slot* slot, FrameNo snapshot, bool keeps_log) {
  const uint64_t now = generation().load(std::memory_order_seq_cst) + 1;
  slot->started.store(keeps_log ? 1 : now, std::memory_order_seq_cst);
  slot->snapshot.store(snapshot.value() + 1, std::memory_order_seq_cst);
  if (shared_.readers.checkpoint_limit.load(std::memory_order_seq_cst) <= snapshot.value())
    return true;
  End(slot);
  return false;
}

void ReaderRegistry::Advance(Slot* slot, FrameNo snapshot) {
  slot->snapshot.store(snapshot.value() + 1, std::memory_order_seq_cst);
}

void ReaderRegistry::End(Slot* slot) {
  slot->snapshot.store(0, std::memory_order_release);
  slot->started.store(0, std::memory_order_release);
}

bool ReaderRegistry::Lives(const Slot& slot) {
  const uint32_t process = slot.process.load(std::memory_order_seq_cst);
  if (process == self_ + 1 || is_alive_ == nullptr) return true;
  if (process != 0 && is_alive_(process - 1)) return true;
  met_dead_.store(true, std::memory_order_relaxed);
  return false;
}

void ReaderRegistry::ForgetProcess(uint32_t process) {
  const uint32_t high = shared_.readers.high_water.load(std::memory_order_seq_cst);
  for (uint32_t at = 0; at < high; ++at) {
    Slot& slot = shared_.reader_slots[at];
    if (slot.process.load(std::memory_order_seq_cst) != process + 1) continue;
    End(&slot);
    slot.process.store(0, std::memory_order_seq_cst);
  }
}

// A checkpoint that was killed may have left an announcement that was never granted: readers are
// held against that one too.
FrameNo ReaderRegistry::LimitCheckpoint(FrameNo limit) {
  SharedReaders& readers = shared_.readers;
  const uint64_t granted = readers.checkpoint_granted.load(std::memory_order_seq_cst);
  readers.checkpoint_limit.store(std::max(granted, limit.value()), std::memory_order_seq_cst);
  const FrameNo allowed = std::max(FrameNo(granted), OldestSnapshot(limit));
  readers.checkpoint_granted.store(allowed.value(), std::memory_order_seq_cst);
  readers.checkpoint_limit.store(allowed.value(), std::memory_order_seq_cst);
  return allowed;
}

FrameNo ReaderRegistry::OldestSnapshot(FrameNo otherwise, const Slot* self) {
  uint64_t oldest = otherwise.value();
  const uint32_t high = shared_.readers.high_water.load(std::memory_order_seq_cst);
  for (uint32_t at = 0; at < high; ++at) {
    const Slot& slot = shared_.reader_slots[at];
    const uint64_t snapshot = slot.snapshot.load(std::memory_order_seq_cst);
    if (&slot == self || snapshot == 0 || snapshot - 1 >= oldest || !Lives(slot)) continue;
    oldest = snapshot - 1;
  }
  return FrameNo(oldest);
}

void ReaderRegistry::Retire(Garbage garbage) {
  if (garbage.empty()) return;
  const uint64_t generation = NextGeneration();
  io::MutexLock lock(&mutex_);
  for (auto& item : garbage) item.first = generation;
  retired_.splice(retired_.end(), garbage);
}

bool ReaderRegistry::AnyStartedBy(uint64_t generation) {
  const uint32_t high = shared_.readers.high_water.load(std::memory_order_seq_cst);
  for (uint32_t at = 0; at < high; ++at) {
    const Slot& slot = shared_.reader_slots[at];
    const uint64_t started = slot.started.load(std::memory_order_seq_cst);
    if (started != 0 && started <= generation && Lives(slot)) return true;
  }
  return false;
}

void ReaderRegistry::CollectGarbage() {
  Garbage free;  // declared first: destroyed outside the lock
  io::MutexLock lock(&mutex_);
  uint64_t oldest = UINT64_MAX;
  for (const Slot* slot : slots_) {
    const uint64_t started = slot->started.load(std::memory_order_seq_cst);
    if (started != 0) oldest = std::min(oldest, started);
  }
  auto kept = retired_.begin();
  while (kept != retired_.end() && kept->first < oldest) ++kept;
  free.splice(free.end(), retired_, retired_.begin(), kept);
}

}  // namespace strata::wal
