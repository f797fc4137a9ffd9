#include "bench/latencies.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <numeric>
#include <thread>

namespace strata::bench {

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int64_t ProcessorTime() {
  struct timespec now;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

double SecondsSince(int64_t begin) { return static_cast<double>(Now() - begin) / 1e9; }

void SleepUntil(int64_t monotonic_ns) {
  const int64_t wait = monotonic_ns - Now();
  if (wait > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait));
}

void Latencies::Merge(const Latencies& other) {
  all_.insert(all_.end(), other.all_.begin(), other.all_.end());
}

void Latencies::Describe(const std::string& prefix, nlohmann::json* result) {
  if (all_.empty()) return;
  std::sort(all_.begin(), all_.end());
  const auto at = [&](double quantile) {
    const size_t rank = static_cast<size_t>(quantile * static_cast<double>(all_.size()));
    return static_cast<double>(all_[std::min(rank, all_.size() - 1)]) / 1e3;
  };
  (*result)[prefix + "p50_us"] = at(0.5);
  (*result)[prefix + "p99_us"] = at(0.99);
  (*result)[prefix + "p999_us"] = at(0.999);
  (*result)[prefix + "max_us"] = at(1);
  (*result)[prefix + "mean_us"] =
      static_cast<double>(std::accumulate(all_.begin(), all_.end(), 0.0)) / 1e3 /
      static_cast<double>(all_.size());
}

void Latencies::Save(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(all_.data()),
             static_cast<std::streamsize>(all_.size() * sizeof(int64_t)));
}

Latencies Latencies::Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  Latencies loaded;
  loaded.all_.resize(static_cast<size_t>(file.tellg()) / sizeof(int64_t));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(loaded.all_.data()),
            static_cast<std::streamsize>(loaded.all_.size() * sizeof(int64_t)));
  return loaded;
}

}  // namespace strata::bench
