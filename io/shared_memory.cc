#include "io/shared_memory.h"

#include <sys/mman.h>

#include <new>

namespace strata::io {
namespace {

// Untouched pages cost nothing.
class HeapMemory : public SharedMemory {
 public:
  explicit HeapMemory(uint64_t bytes) : size_(bytes) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<uint8_t*>(memory);
  }
  ~HeapMemory() override { ::munmap(data_, size_); }

  uint8_t* data() const override { return data_; }
  uint64_t size() const override { return size_; }
  absl::StatusOr<uint64_t> Reserved() const override { return size_; }
  absl::Status Reserve(uint64_t) override { return absl::OkStatus(); }

  void Wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t timeout_us) override {
    MutexLock lock(&mutex_);
    if (word.load(std::memory_order_seq_cst) == expected) woken_.WaitFor(&mutex_, timeout_us);
  }
  void Wake(const std::atomic<uint32_t>&) override {
    MutexLock lock(&mutex_);
    woken_.SignalAll();
  }

 private:
  const uint64_t size_;
  uint8_t* data_ = nullptr;
  Mutex mutex_;
  CondVar woken_;
};

}  // namespace

std::unique_ptr<SharedMemory> NewHeapMemory(uint64_t bytes) {
  return std::make_unique<HeapMemory>(bytes);
}

}  // namespace strata::io
