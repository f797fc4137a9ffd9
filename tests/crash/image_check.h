#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "tests/crash/host.h"
#include "tests/crash/trace.h"
#include "tests/support/simulated_disk.h"

namespace strata::crash {

struct CheckCounts {
  uint64_t images = 0;           // recovered and compared
  uint64_t recovery_images = 0;  // of these, with recovery itself cut
  uint64_t read_only = 0;        // also opened without the right to write
  uint64_t stores = 0;           // stores verified
  uint64_t stored_segments = 0;  // different ones among them

  CheckCounts& operator+=(const CheckCounts& other);
  std::string ToString() const;
};

// Recovers images and holds them against what the workload was promised. One thread at a time.
class ImageCheck {
 public:
  ImageCheck(const Workload& workload, uint64_t seed) : workload_(workload), random_(seed) {}

  // Empty when a crash after `operations` may have left this image. `thorough`: recovers it more
  // than once, from every crash within recovery, without the right to write, and looks at the
  // store.
  std::string Run(support::SimulatedDisk& image, const Trace& trace, Trace::Promise promise,
                  uint64_t operations, bool thorough);

  // The commit that the last Run found.
  size_t found() const { return found_; }
  const CheckCounts& counts() const { return counts_; }
  support::FaultCounts& faults() { return faults_; }
  void Swallow(const std::string& site) { swallowed_ = site; }

 private:
  absl::StatusOr<Content> Recover(support::SimulatedDisk& image, bool read_only);
  std::string CheckAgain(support::SimulatedDisk& image, uint64_t digest);
  std::string CheckCutRecovery(const support::SimulatedDisk& image, uint64_t digest);
  std::string CheckStore(support::SimulatedDisk& image, const Trace& trace, uint64_t end);
  absl::Status VerifyStore(support::SimulatedDisk& image, const Trace& trace, uint64_t end);

  const Workload workload_;
  io::SeededRandom random_;
  std::string swallowed_;
  size_t found_ = 0;
  CheckCounts counts_;
  support::FaultCounts faults_;
  absl::flat_hash_set<uint64_t> verified_;  // checksums of stored segments that were read in full
};

}  // namespace strata::crash
