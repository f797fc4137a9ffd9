#include "wal/frame_index.h"

#include <utility>

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

namespace {

constexpr uint64_t kInitialSlots = 256;
constexpr uint64_t kInitialDirectory = 4;
// Frame numbers are kept as their low 32 bits: entries older than this are dropped by a rebuild
// before they could be taken for newer ones.
constexpr uint64_t kRebuildEvery = 1ull << 30;

// The frame number nearest to `reference` (within 2^31) that ends in `low`.
uint64_t Widen(uint32_t low, uint64_t reference) {
  const uint64_t upper = reference + (1ull << 31);
  return upper - static_cast<uint32_t>(static_cast<uint32_t>(upper) - low);
}

uint64_t FirstSlot(uint32_t page, uint64_t slots) {
  return (static_cast<uint64_t>(page * 0x9E3779B1u) * slots) >> 32;
}

}  // namespace

FrameIndex::FrameIndex(FrameNo floor)
    : floor_(floor.value()),
      tip_(floor.value()),
      table_owner_(std::make_shared<Table>(kInitialSlots, kInitialDirectory)),
      chunks_(kInitialDirectory),
      last_rebuild_tip_(floor.value()) {
  table_.store(table_owner_.get(), std::memory_order_release);
}

FrameIndex::~FrameIndex() = default;

FrameIndex::Chunk* FrameIndex::ChunkOf(uint64_t frame) const {
  const Table& table = *table_.load(std::memory_order_acquire);
  const uint64_t number = frame / kChunkFrames;
  Chunk* chunk = table.directory[number % table.directory.size()].load(std::memory_order_acquire);
  return chunk != nullptr && chunk->number == number ? chunk : nullptr;
}

// The slot of a page, or the free slot where it belongs.
std::atomic<uint64_t>* FrameIndex::SlotOf(const Table& table, uint32_t page) const {
  const uint64_t count = table.slots.size();
  auto* slots = const_cast<std::atomic<uint64_t>*>(table.slots.data());
  for (uint64_t at = FirstSlot(page, count);; at = at + 1 == count ? 0 : at + 1) {
    const uint64_t slot = slots[at].load(std::memory_order_acquire);
    if (slot == 0 || slot >> 32 == page) return &slots[at];
  }
}

FrameNo FrameIndex::Find(PageNo page, FrameNo at_most) const {
  const uint64_t floor = floor_.load(std::memory_order_acquire);
  const Table& table = *table_.load(std::memory_order_acquire);
  const uint64_t slot = SlotOf(table, page.value())->load(std::memory_order_acquire);
  if (slot == 0) return FrameNo(0);
  uint64_t frame = Widen(static_cast<uint32_t>(slot), tip_.load(std::memory_order_acquire));
  while (frame > at_most.value()) {
    const Chunk* chunk = ChunkOf(frame);
    if (chunk == nullptr) return FrameNo(0);
    const uint32_t previous = chunk->previous[frame % kChunkFrames].load(std::memory_order_relaxed);
    if (previous == static_cast<uint32_t>(frame)) return FrameNo(0);
    frame = Widen(previous, frame);
  }
  return frame > floor ? FrameNo(frame) : FrameNo(0);
}

PageNo FrameIndex::PageOf(FrameNo frame) const {
  const Chunk* chunk = ChunkOf(frame.value());
  return PageNo(chunk->page[frame.value() % kChunkFrames].load(std::memory_order_relaxed));
}

// A checkpoint may raise the floor meanwhile, and take chunks away.
bool FrameIndex::ForEachPage(FrameNo from, FrameNo to, absl::FunctionRef<void(PageNo)> each) const {
  if (from < floor()) return false;
  for (FrameNo frame = from.next(); frame <= to; frame = frame.next()) {
    const Chunk* chunk = ChunkOf(frame.value());
    if (chunk == nullptr) return false;
    each(PageNo(chunk->page[frame.value() % kChunkFrames].load(std::memory_order_relaxed)));
  }
  return true;
}

void FrameIndex::SetNewest(uint32_t page, uint64_t frame) {
  std::atomic<uint64_t>* slot = SlotOf(*table_owner_, page);
  if (slot->load(std::memory_order_relaxed) == 0) ++used_slots_;
  slot->store(static_cast<uint64_t>(page) << 32 | static_cast<uint32_t>(frame),
              std::memory_order_release);
}

void FrameIndex::EnsureChunk(uint64_t frame) {
  const uint64_t number = frame / kChunkFrames;
  const uint64_t oldest = (floor_.load(std::memory_order_relaxed) + 1) / kChunkFrames;
  uint64_t size = chunks_.size();
  if (number - oldest >= size) {
    while (number - oldest >= size) size *= 2;
    Rebuild(table_owner_->slots.size(), size);
  }
  std::shared_ptr<Chunk>& owner = chunks_[number % size];
  if (owner != nullptr && owner->number == number) return;
  auto chunk = std::make_shared<Chunk>(number);
  if (owner != nullptr) retired_.emplace_back(0, owner);
  owner = std::move(chunk);
  table_owner_->directory[number % size].store(owner.get(), std::memory_order_release);
}

void FrameIndex::Reserve(uint64_t frames) {
  const uint64_t tip = tip_.load(std::memory_order_relaxed);
  uint64_t slots = table_owner_->slots.size();
  while ((used_slots_ + frames) * 5 > slots * 4) slots = slots * 3 / 2;
  if (slots != table_owner_->slots.size() || tip + frames - last_rebuild_tip_ > kRebuildEvery)
    Rebuild(slots, chunks_.size());
  for (uint64_t frame = tip + 1; frame <= tip + frames;
       frame = (frame / kChunkFrames + 1) * kChunkFrames) {
    EnsureChunk(frame);
  }
}

void FrameIndex::Append(PageNo page) {
  Reserve(1);
  const uint64_t frame = tip_.load(std::memory_order_relaxed) + 1;
  Chunk* chunk = ChunkOf(frame);
  const uint64_t slot = SlotOf(*table_owner_, page.value())->load(std::memory_order_relaxed);
  const uint32_t previous = slot == 0 ? static_cast<uint32_t>(frame) : static_cast<uint32_t>(slot);
  chunk->page[frame % kChunkFrames].store(page.value(), std::memory_order_relaxed);
  chunk->previous[frame % kChunkFrames].store(previous, std::memory_order_relaxed);
  SetNewest(page.value(), frame);
  tip_.store(frame, std::memory_order_release);
}

void FrameIndex::RaiseFloor(FrameNo frame) {
  const uint64_t before = floor_.load(std::memory_order_relaxed);
  floor_.store(frame.value(), std::memory_order_release);
  const uint64_t size = chunks_.size();
  for (uint64_t number = (before + 1) / kChunkFrames; number < (frame.value() + 1) / kChunkFrames;
       ++number) {
    std::shared_ptr<Chunk>& owner = chunks_[number % size];
    if (owner == nullptr || owner->number != number) continue;
    retired_.emplace_back(0, owner);
    table_owner_->directory[number % size].store(nullptr, std::memory_order_release);
    owner = nullptr;
  }
}

void FrameIndex::RestartAt(FrameNo frame) {
  RaiseFloor(frame);
  // The chunk that `frame` is in may have been there before: its entries would be taken for newer
  // ones.
  for (std::shared_ptr<Chunk>& chunk : chunks_) {
    if (chunk != nullptr) retired_.emplace_back(0, chunk);
    chunk = nullptr;
  }
  retired_.emplace_back(0, table_owner_);
  auto table = std::make_shared<Table>(table_owner_->slots.size(), chunks_.size());
  table_owner_ = table;
  used_slots_ = 0;
  tip_.store(frame.value(), std::memory_order_release);
  last_rebuild_tip_ = frame.value();
  table_.store(table.get(), std::memory_order_release);
}

void FrameIndex::Rebuild(uint64_t slots, uint64_t directory_size) {
  auto table = std::make_shared<Table>(slots, directory_size);
  std::vector<std::shared_ptr<Chunk>> chunks(directory_size);
  retired_.emplace_back(0, table_owner_);
  for (std::shared_ptr<Chunk>& chunk : chunks_) {
    if (chunk == nullptr) continue;
    const uint64_t at = chunk->number % directory_size;
    table->directory[at].store(chunk.get(), std::memory_order_relaxed);
    chunks[at] = std::move(chunk);
  }
  chunks_ = std::move(chunks);
  const Table* previous = table_owner_.get();
  table_owner_ = table;
  used_slots_ = 0;
  for (const std::atomic<uint64_t>& slot : previous->slots) {
    const uint64_t value = slot.load(std::memory_order_relaxed);
    if (value == 0) continue;
    const uint64_t frame =
        Widen(static_cast<uint32_t>(value), tip_.load(std::memory_order_relaxed));
    if (frame > floor_.load(std::memory_order_relaxed))
      SetNewest(static_cast<uint32_t>(value >> 32), frame);
  }
  last_rebuild_tip_ = tip_.load(std::memory_order_relaxed);
  table_.store(table.get(), std::memory_order_release);
}

ReaderRegistry::Garbage FrameIndex::TakeRetired() { return std::exchange(retired_, {}); }

uint64_t FrameIndex::memory_bytes() const {
  uint64_t bytes =
      table_owner_->slots.size() * sizeof(uint64_t) + chunks_.size() * sizeof(void*) * 3;
  for (const std::shared_ptr<Chunk>& chunk : chunks_) bytes += chunk == nullptr ? 0 : sizeof(Chunk);
  return bytes;
}

}  // namespace strata::wal
