#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "io/random.h"
#include "tests/crash/database_state.h"
#include "tests/crash/sync_sites.h"
#include "tests/support/crash_image.h"
#include "tests/support/fake_clock.h"
#include "wal/connection.h"

namespace strata::crash {

inline constexpr char kDatabasePath[] = "/db/app.db";
inline constexpr char kLogPath[] = "/db/app.db-wal";
inline constexpr char kStoreUrl[] = "file:///store";
inline constexpr char kNamespace[] = "app";

// What a workload is made of; see workloads.h for those that are run.
struct Workload {
  std::string name;
  uint32_t page_size = 512;
  wal::Options options;
  bool store = false;
  std::vector<wal::Durability> levels = {wal::Durability::kFull, wal::Durability::kNormal};
  uint32_t initial_pages = 0;  // of an ordinary database that Strata adopts
  bool failing_syncs = false;
  bool two_processes = false;
  bool power_cuts = true;  // false: only the process is lost
  support::DamageModel damage = support::DamageModel::kPowerSafeOverwrite;
};

// A process: opens logs on a disk. Its randomness must differ from that of the processes before it.
class Host {
 public:
  Host(SyncSites* files, const Workload& workload, uint64_t seed);

  absl::StatusOr<std::shared_ptr<wal::Log>> Open(bool read_only = false);
  support::FakeClock& clock() { return clock_; }
  const std::string& last_error() const { return logger_.last_error; }

 private:
  struct Logger : io::Logger {
    void Log(io::Severity severity, std::string_view message) override;
    std::string last_error;
  };

  SyncSites& files_;
  const Workload& workload_;
  support::FakeClock clock_;
  io::SeededRandom random_;
  Logger logger_;
};

// Where a database is: its digest, and the commit that a connection says it is at.
struct Content {
  uint64_t digest = 0;
  uint64_t frame = 0;
  std::vector<uint8_t> bytes;  // all pages
};

// The whole database as a connection in a read transaction sees it.
absl::StatusOr<Content> ReadContent(io::FileSystem& files, wal::Connection& connection,
                                    uint32_t page_size);
// The same in a transaction of its own.
absl::StatusOr<Content> ReadContent(io::FileSystem& files, const std::shared_ptr<wal::Log>& log,
                                    uint32_t page_size);

}  // namespace strata::crash
