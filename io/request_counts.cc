#include "io/request_counts.h"

namespace strata::io {

RequestCounts RequestCounters::Get() const {
  RequestCounts counts;
  for (size_t i = 0; i < kRequestKinds; ++i) counts.of[i] = of_[i].load(std::memory_order_relaxed);
  counts.retries = retries_.load(std::memory_order_relaxed);
  counts.bytes_sent = bytes_sent_.load(std::memory_order_relaxed);
  counts.bytes_received = bytes_received_.load(std::memory_order_relaxed);
  return counts;
}

}  // namespace strata::io
