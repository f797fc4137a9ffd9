#include "tools/progress.h"

#include <unistd.h>

#include <iostream>

#include "absl/strings/str_format.h"
#include "io/clock.h"

namespace strata::tools {
namespace {

constexpr int64_t kIntervalUs = 100'000;

}  // namespace

ProgressLine::ProgressLine(std::string what, std::string unit, bool enabled)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      is_shown_(enabled && isatty(STDERR_FILENO) == 1),
      started_us_(io::SystemClock().MonotonicMicros()) {}

ProgressLine::~ProgressLine() {
  if (is_shown_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressLine::Update(uint64_t done, uint64_t total) {
  if (!is_shown_ || total == 0) return;
  io::MutexLock lock(&mutex_);
  const int64_t now_us = io::SystemClock().MonotonicMicros();
  if (now_us - last_shown_us_ < kIntervalUs) return;
  last_shown_us_ = now_us;
  const double seconds = static_cast<double>(now_us - started_us_ + 1) / 1e6;
  const double rate = static_cast<double>(done) / seconds;
  const double left = done >= total || rate <= 0 ? 0 : static_cast<double>(total - done) / rate;
  std::cerr << absl::StrFormat(
                   "\r\033[K%s: %d%%, %.0f %s/s, %.0f s left", what_,
                   static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total)),
                   rate, unit_, left)
            << std::flush;
}

std::function<void(uint64_t, uint64_t)> ProgressLine::Callback() {
  if (!is_shown_) return {};
  return [this](uint64_t done, uint64_t total) { Update(done, total); };
}

}  // namespace strata::tools
