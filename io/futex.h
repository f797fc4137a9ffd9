#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace strata::io {

// futex(2) on `word`: FUTEX_WAIT for as long as it is `value`, at most `timeout` (relative;
// nullptr: no limit), or FUTEX_WAKE for at most `value` waiters. Returns also when a signal came or
// the word is not there any more.
inline void Futex(const std::atomic<uint32_t>& word, int operation, uint32_t value,
                  const timespec* timeout = nullptr) {
  ::syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

}  // namespace strata::io
