#include "io/forked_locks.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "io/mutex.h"

namespace strata::io {
namespace {

std::atomic<int> generation{0};

// Never destroyed: files may outlive static objects.
struct Holders {
  Mutex mutex;
  std::vector<int> fds;  // guarded by mutex, which fork() takes too
};

Holders& AllHolders();

void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { AllHolders().mutex.Lock(); }
void InParent() ABSL_NO_THREAD_SAFETY_ANALYSIS { AllHolders().mutex.Unlock(); }

// Only what is safe in a child of a process with threads.
void InChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  generation.fetch_add(1, std::memory_order_relaxed);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (const int fd : AllHolders().fds) {
    // The number stays taken, so that the File that owns it does not close somebody else's.
    if (null < 0 || ::dup3(null, fd, O_CLOEXEC) < 0) ::close(fd);
  }
  if (null >= 0) ::close(null);
  AllHolders().fds.clear();
  AllHolders().mutex.Unlock();
}

Holders& AllHolders() {
  static auto* holders = [] {
    ::pthread_atfork(BeforeFork, InParent, InChild);
    return new Holders;
  }();
  return *holders;
}

}  // namespace

void NoteLockHolder(int fd) {
  Holders& holders = AllHolders();
  MutexLock lock(&holders.mutex);
  holders.fds.push_back(fd);
}

void ForgetLockHolder(int fd) {
  Holders& holders = AllHolders();
  MutexLock lock(&holders.mutex);
  std::erase(holders.fds, fd);
}

uint32_t ProcessId() { return static_cast<uint32_t>(::getpid()); }

int ForkGeneration() {
  [[maybe_unused]] static const Holders& registered = AllHolders();
  return generation.load(std::memory_order_relaxed);
}

}  // namespace strata::io
