#include "io/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace strata::io {
namespace {

class SystemRandomImpl : public Random {
 public:
  uint64_t Next64() override {
    // Up to 256 bytes are never delivered in part; only a signal before the pool is ready
    // interrupts.
    uint64_t value;
    while (::getrandom(&value, sizeof value, 0) != sizeof value) {
      if (errno == EINTR) continue;
      std::fputs("strata: getrandom is not available, no identity can be made\n", stderr);
      std::abort();
    }
    return value;
  }
};

}  // namespace

Random& SystemRandom() {
  static SystemRandomImpl& instance = *new SystemRandomImpl;
  return instance;
}

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.
uint64_t SeededRandom::Next64() {
  state_ += 0x9E3779B97F4A7C15;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return mixed ^ (mixed >> 31);
}

}  // namespace strata::io
