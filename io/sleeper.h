#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "io/mutex.h"

namespace strata::io {

// How a thread waits for time to pass; tests wait without waiting. Safe to call from any thread.
class Sleeper {
 public:
  virtual ~Sleeper() = default;

  // Returns after `micros`, or earlier when Wake was called meanwhile.
  virtual void Sleep(int64_t micros) = 0;

  // Ends every Sleep that is under way.
  virtual void Wake() = 0;
};

class RealSleeper : public Sleeper {
 public:
  void Sleep(int64_t micros) override;
  void Wake() override;

 private:
  Mutex mutex_;
  CondVar wake_;
};

}  // namespace strata::io
