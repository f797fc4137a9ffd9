#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "io/curl_library.h"
#include "io/mutex.h"

namespace strata::io {

// Runs any number of libcurl's transfers at once, on one thread of its own: libcurl says which
// sockets and what time to wait for, Asio waits. Connections are kept for the next transfer. All
// callbacks of a transfer run on that thread, which takes no signal.
class CurlLoop {
 public:
  explicit CurlLoop(const CurlLibrary& curl);

  // No Run may be under way. In a forked child, where the thread does not exist, everything stays
  // as it is.
  ~CurlLoop();

  // Takes `easy` through its transfer and returns its result. Any thread, any number at once. The
  // first call starts the thread. FailedPrecondition in a forked child.
  absl::StatusOr<CURLcode> Run(CURL* easy);

 private:
  class Thread;

  absl::StatusOr<Thread*> Started();

  const CurlLibrary& curl_;
  Mutex mutex_;
  int owner_pid_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Thread> thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::io
