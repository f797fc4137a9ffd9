#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace strata::wal {

// A vector whose elements never move: one thread at a time appends, any number read elements below
// size() at the same time without a lock. T is trivially copyable.
template <typename T>
class StableVector {
 public:
  size_t size() const { return size_.load(std::memory_order_acquire); }

  const T& operator[](size_t at) const { return *Place(at); }

  void push_back(const T& value) {
    const size_t at = size_.load(std::memory_order_relaxed);
    const size_t chunk = ChunkOf(at);
    if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<T[]>(ChunkSize(chunk));
    chunks_[chunk][at - ChunkStart(chunk)] = value;
    size_.store(at + 1, std::memory_order_release);
  }

  // Drops the elements from `size` on, which nobody reads.
  void Truncate(size_t size) { size_.store(size, std::memory_order_release); }

 private:
  static constexpr size_t kFirst =
      16;  // elements of the first chunk; each further one is twice as large
  static size_t ChunkOf(size_t at) { return std::bit_width(at / kFirst + 1) - 1; }
  static size_t ChunkStart(size_t chunk) { return kFirst * ((size_t{1} << chunk) - 1); }
  static size_t ChunkSize(size_t chunk) { return kFirst << chunk; }

  const T* Place(size_t at) const {
    const size_t chunk = ChunkOf(at);
    return &chunks_[chunk][at - ChunkStart(chunk)];
  }

  std::atomic<size_t> size_{0};
  std::array<std::unique_ptr<T[]>, 40> chunks_;
};

}  // namespace strata::wal
