#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "segment/ids.h"
#include "wal/reader_registry.h"

namespace strata::wal {

// Page -> versions in the log, in memory. A hash table leads from a page to its newest frame, and
// each frame to the version before it, so that any snapshot finds its own. Memory: 8 bytes per
// frame and 10 to 15 per page with a version in the log.
//
// One thread at a time changes it (the caller's lock); any number look up at the same time without
// a lock, inside a read transaction: memory that lookups may still use is handed out by
// TakeRetired() and freed by the caller once every read transaction of the time has ended.
class FrameIndex {
 public:
  // `floor`: everything up to it is in the database file; the first Append is floor + 1.
  explicit FrameIndex(segment::FrameNo floor);
  ~FrameIndex();

  // Newest version of `page` in (floor, at_most]; 0 when there is none.
  segment::FrameNo Find(segment::PageNo page, segment::FrameNo at_most) const;

  // The page of a frame in (floor, tip].
  segment::PageNo PageOf(segment::FrameNo frame) const;

  // Calls `each` with the page of every frame in (from, to], to <= tip; false when not all are
  // known any more.
  bool ForEachPage(segment::FrameNo from, segment::FrameNo to,
                   absl::FunctionRef<void(segment::PageNo)> each) const;

  segment::FrameNo floor() const {
    return segment::FrameNo(floor_.load(std::memory_order_acquire));
  }
  segment::FrameNo tip() const { return segment::FrameNo(tip_.load(std::memory_order_acquire)); }

  // Adds the version tip + 1. Needs no memory, and cannot fail, where Reserve() made room.
  void Append(segment::PageNo page);
  // Makes room for that many versions.
  void Reserve(uint64_t frames);

  // Forgets the frames up to `frame`, which are in the database file now.
  void RaiseFloor(segment::FrameNo frame);

  // Forgets everything, as a new index with this floor. No snapshot below `frame` is in use.
  void RestartAt(segment::FrameNo frame);

  // Memory no longer reachable by new lookups.
  ReaderRegistry::Garbage TakeRetired();

  uint64_t memory_bytes() const;

 private:
  static constexpr uint32_t kChunkFrames = 4096;

  struct Chunk {
    explicit Chunk(uint64_t number) : number(number) {}
    const uint64_t number;  // frame / kChunkFrames
    std::atomic<uint32_t> page[kChunkFrames] = {};
    // Low 32 bits of the version before; the frame's own when there is none.
    std::atomic<uint32_t> previous[kChunkFrames] = {};
  };

  // Hash table and chunk directory; replaced as a whole when either grows.
  struct Table {
    Table(uint64_t slots, uint64_t directory_size) : slots(slots), directory(directory_size) {}
    std::vector<std::atomic<uint64_t>>
        slots;  // page << 32 | low 32 bits of the newest frame; 0: free
    std::vector<std::atomic<Chunk*>> directory;  // a ring of chunks, by frame / kChunkFrames
  };

  Chunk* ChunkOf(uint64_t frame) const;
  std::atomic<uint64_t>* SlotOf(const Table& table, uint32_t page) const;
  void SetNewest(uint32_t page, uint64_t frame);
  void EnsureChunk(uint64_t frame);
  void Rebuild(uint64_t slots, uint64_t directory_size);

  std::atomic<uint64_t> floor_;
  std::atomic<uint64_t> tip_;
  std::atomic<Table*> table_;
  std::shared_ptr<Table> table_owner_;
  std::vector<std::shared_ptr<Chunk>> chunks_;  // owners, in the ring's positions
  uint64_t used_slots_ = 0;
  uint64_t last_rebuild_tip_ = 0;
  ReaderRegistry::Garbage retired_;
};

}  // namespace strata::wal
