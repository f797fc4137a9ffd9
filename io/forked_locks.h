#pragma once

#include <cstdint>

namespace strata::io {

// Open file description locks live until the last descriptor is closed, also one that a child of
// fork() inherited: it would keep the locks of a parent that was killed. Descriptors noted here are
// replaced in every child by ones of /dev/null. Any thread.
void NoteLockHolder(int fd);
void ForgetLockHolder(int fd);

// Rises in a child after fork(): what was opened before belongs to the parent. Counted from the
// first call in the process on.
int ForkGeneration();

// Of this process, for messages.
uint32_t ProcessId();

}  // namespace strata::io
