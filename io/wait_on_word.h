#pragma once

#include <atomic>
#include <cstdint>

// Sleeping until another thread of this process changes a word, by one system call each; unlike
// std::atomic::wait, which yields the processor several times before it sleeps.
namespace strata::io {

// Returns once `word` is not `expected` any more.
void WaitOnWord(const std::atomic<uint32_t>& word, uint32_t expected);
// Once, for at most `microseconds`; it may return early.
void WaitOnWordFor(const std::atomic<uint32_t>& word, uint32_t expected, int64_t microseconds);

// Wakes one, or all, of those who wait for `word`, which was changed before. The word itself is not
// touched: it may be gone already.
void WakeOneOnWord(const std::atomic<uint32_t>& word);
void WakeAllOnWord(const std::atomic<uint32_t>& word);

}  // namespace strata::io
