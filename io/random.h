#pragma once

#include <cstdint>

namespace strata::io {

// The only door to randomness. Safe to call from any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next64() = 0;
};

// getrandom(2), for identities and salts; lives as long as the process.
Random& SystemRandom();

// A fixed sequence from a seed (SplitMix64), for tests and jitter that must replay.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next64() override;

 private:
  uint64_t state_;  // callers of a shared instance order themselves
};

}  // namespace strata::io
