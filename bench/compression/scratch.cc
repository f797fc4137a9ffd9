#include "bench/compression/scratch.h"

#include <cstdio>
#include <cstdlib>

#include "io/clock.h"

namespace strata::bench {

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

double Seconds() { return static_cast<double>(io::SystemClock().MonotonicMicros()) / 1e6; }

}  // namespace strata::bench
