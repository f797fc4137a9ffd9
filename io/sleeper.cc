#include "io/sleeper.h"

namespace strata::io {

void RealSleeper::Sleep(int64_t micros) {
  MutexLock lock(&mutex_);
  if (micros > 0) wake_.WaitFor(&mutex_, micros);
}

void RealSleeper::Wake() {
  MutexLock lock(&mutex_);
  wake_.SignalAll();
}

}  // namespace strata::io
