#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/mutex.h"

namespace strata::io {

// Memory that several processes may share, all zeros at first; unmapped or freed by the destructor.
// Any thread.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;

  // Page-aligned; only the reserved part may be touched.
  virtual uint8_t* data() const = 0;
  virtual uint64_t size() const = 0;
  // How much of it may be touched now.
  virtual absl::StatusOr<uint64_t> Reserved() const = 0;

  // From here on the first `bytes` may be touched, in every process. ResourceExhausted when there
  // is no room for them.
  virtual absl::Status Reserve(uint64_t bytes) = 0;

  // Sleeps until somebody wakes `word`, at most `timeout_us` microseconds, and not at all when it
  // is not `expected` any more; may return early. `word` lies in the memory.
  virtual void Wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t timeout_us) = 0;
  // Wakes all who wait for `word`, in every process.
  virtual void Wake(const std::atomic<uint32_t>& word) = 0;
};

// Shared between threads alone.
std::unique_ptr<SharedMemory> NewHeapMemory(uint64_t bytes);

}  // namespace strata::io
