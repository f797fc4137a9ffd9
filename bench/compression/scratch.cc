#include "bench/compression/scratch.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "io/clock.h"

namespace strata::bench {

Scratch::Scratch(const std::string& parent) {
  directory_ = parent + "/strata-bench-XXXXXX";
  if (mkdtemp(directory_.data()) == nullptr) {
    std::perror(directory_.c_str());
    std::exit(1);
  }
}

Scratch::~Scratch() { std::filesystem::remove_all(directory_); }

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

double Seconds() { return static_cast<double>(io::SystemClock().MonotonicMicros()) / 1e6; }

}  // namespace strata::bench
