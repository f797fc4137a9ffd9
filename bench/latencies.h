#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace strata::bench {

// Monotonic nanoseconds.
int64_t Now();
double SecondsSince(int64_t begin);
// Nanoseconds that all threads of this process have run so far: on a machine that others use too,
// steadier than time.
int64_t ProcessorTime();
void SleepUntil(int64_t monotonic_ns);

// Every single latency, in nanoseconds.
class Latencies {
 public:
  void Add(int64_t nanoseconds) { all_.push_back(nanoseconds); }
  void Merge(const Latencies& other);
  size_t count() const { return all_.size(); }

  // p50_us, p99_us, p999_us, max_us and mean_us, each behind `prefix`.
  void Describe(const std::string& prefix, nlohmann::json* result);

  void Save(const std::string& path) const;
  static Latencies Load(const std::string& path);

 private:
  std::vector<int64_t> all_;
};

}  // namespace strata::bench
