#include "io/wait_on_word.h"

#include <climits>
#include <ctime>

#include "io/futex.h"

namespace strata::io {

void WaitOnWord(const std::atomic<uint32_t>& word, uint32_t expected) {
  while (word.load(std::memory_order_acquire) == expected)
    Futex(word, FUTEX_WAIT_PRIVATE, expected);
}

void WaitOnWordFor(const std::atomic<uint32_t>& word, uint32_t expected, int64_t microseconds) {
  const timespec timeout{microseconds / 1'000'000, microseconds % 1'000'000 * 1000};
  Futex(word, FUTEX_WAIT_PRIVATE, expected, &timeout);
}

void WakeOneOnWord(const std::atomic<uint32_t>& word) { Futex(word, FUTEX_WAKE_PRIVATE, 1); }

void WakeAllOnWord(const std::atomic<uint32_t>& word) { Futex(word, FUTEX_WAKE_PRIVATE, INT_MAX); }

}  // namespace strata::io
