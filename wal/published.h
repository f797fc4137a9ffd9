#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strata::wal {

// A few numbers that belong together, in memory that other processes read: one writer at a time,
// any number of readers, no lock. The writer fills the idle one of two buffers and makes it the
// current one with a single store, so that a writer that is killed leaves the last whole value.
template <size_t kWords>
class Published {
 public:
  using Value = std::array<uint64_t, kWords>;

  void Store(const Value& value) {
    const uint64_t next = version_.load(std::memory_order_relaxed) + 1;
    auto& buffer = buffers_[next % 2];
    // Each with what was stored before it: who reads a new number knows of the switch before.
    for (size_t i = 0; i < kWords; ++i) buffer[i].store(value[i], std::memory_order_release);
    version_.store(next, std::memory_order_release);
  }

  Value Load() const {
    for (;;) {
      const uint64_t version = version_.load(std::memory_order_acquire);
      const auto& buffer = buffers_[version % 2];
      Value value;
      for (size_t i = 0; i < kWords; ++i) value[i] = buffer[i].load(std::memory_order_acquire);
      // The buffer is written again only after the other one has become current.
      if (version_.load(std::memory_order_acquire) == version) return value;
    }
  }

  // One of the numbers alone.
  uint64_t Word(size_t at) const {
    for (;;) {
      const uint64_t version = version_.load(std::memory_order_acquire);
      const uint64_t word = buffers_[version % 2][at].load(std::memory_order_acquire);
      if (version_.load(std::memory_order_acquire) == version) return word;
    }
  }

 private:
  std::atomic<uint64_t> version_;
  std::array<std::atomic<uint64_t>, kWords> buffers_[2];
};

}  // namespace strata::wal
