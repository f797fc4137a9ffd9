#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "bench/sqlite_api.h"

// What a time tracker stores: buckets, one for each watcher, with events that last from a time to
// another. Generated from a seed, the same everywhere.
namespace strata::bench {

constexpr int kBuckets = 19;
constexpr int64_t kYearUs = 365ll * 24 * 3600 * 1'000'000;
constexpr int64_t kFirstEventUs = 1'700'000'000'000'000;  // November 2023

// Applications and window titles as JSON.
class WindowTitles {
 public:
  explicit WindowTitles(uint64_t seed) : random_(seed) {}
  std::string Next();

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::mt19937_64 random_;
};

// Buckets with `events` events over a year, in tables bucket and event.
void FillHeartbeatDatabase(Connection* connection, int64_t events);

}  // namespace strata::bench
