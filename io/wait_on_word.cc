#include "io/wait_on_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace strata::io {

namespace {

void Futex(const std::atomic<uint32_t>& word, int operation, uint32_t value) {
  ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

}  // namespace

void WaitOnWord(const std::atomic<uint32_t>& word, uint32_t expected) {
  while (word.load(std::memory_order_acquire) == expected) Futex(word, FUTEX_WAIT, expected);
}

void WakeOneOnWord(const std::atomic<uint32_t>& word) { Futex(word, FUTEX_WAKE, 1); }

void WakeAllOnWord(const std::atomic<uint32_t>& word) { Futex(word, FUTEX_WAKE, INT_MAX); }

}  // namespace strata::io
