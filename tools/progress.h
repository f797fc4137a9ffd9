#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "io/mutex.h"

namespace strata::tools {

// A line on the terminal with share, rate and remaining time; nothing when stderr is no terminal or
// `enabled` is off. Safe to call from any thread.
class ProgressLine {
 public:
  ProgressLine(std::string what, std::string unit, bool enabled);
  ~ProgressLine();  // wipes the line

  void Update(uint64_t done, uint64_t total);

  // For the engines' options; empty when nothing would be shown. The line must outlive it.
  std::function<void(uint64_t, uint64_t)> Callback();

 private:
  const std::string what_;
  const std::string unit_;
  const bool is_shown_;
  const int64_t started_us_;
  io::Mutex mutex_;
  int64_t last_shown_us_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::tools
