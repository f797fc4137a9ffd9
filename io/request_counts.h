#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace strata::io {

// What is asked of a store. kMultipart: beginning, completing and aborting an upload in parts (the
// parts themselves are puts); kCredentials: requests to who gives out keys, not to the store.
enum class RequestKind { kGet, kPut, kList, kDelete, kMultipart, kCredentials };

constexpr size_t kRequestKinds = 6;
constexpr const char* kRequestKindNames[kRequestKinds] = {"get",    "put",       "list",
                                                          "delete", "multipart", "credentials"};

struct RequestCounts {
  std::array<uint64_t, kRequestKinds> of = {};  // each attempt counts
  uint64_t retries = 0;                         // attempts that were not the first
  uint64_t bytes_sent = 0;                      // of bodies
  uint64_t bytes_received = 0;

  uint64_t operator[](RequestKind kind) const { return of[static_cast<size_t>(kind)]; }
  uint64_t total() const { return std::accumulate(of.begin(), of.end(), uint64_t{0}); }
};

// Safe to call from any thread.
class RequestCounters {
 public:
  void Count(RequestKind kind) { Add(&of_[static_cast<size_t>(kind)], 1); }
  void CountRetry() { Add(&retries_, 1); }
  void CountSent(uint64_t bytes) { Add(&bytes_sent_, bytes); }
  void CountReceived(uint64_t bytes) { Add(&bytes_received_, bytes); }
  RequestCounts Get() const;

 private:
  using Counter = std::atomic<uint64_t>;
  static void Add(Counter* counter, uint64_t n) {
    counter->fetch_add(n, std::memory_order_relaxed);
  }

  std::array<Counter, kRequestKinds> of_ = {};
  Counter retries_ = 0;
  Counter bytes_sent_ = 0;
  Counter bytes_received_ = 0;
};

}  // namespace strata::io
