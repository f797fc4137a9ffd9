#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/wal/log_world.h"

namespace strata::wal {

// Two logs over one simulated disk, each with its own open files: as far as locks, memory and files
// go, two processes. `a` is open from the start.
class TwoProcesses {
 public:
  struct Process {
    std::shared_ptr<Log> log;
    std::unique_ptr<Connection> connection;
    Options options;
    bool read_only = false;
    support::SimulatedDisk* disk = nullptr;
    std::vector<std::pair<std::shared_ptr<Log>, std::unique_ptr<Connection>>> graveyard;

    absl::Status Commit(const std::vector<PageVersion>& pages, uint32_t database_pages,
                        Durability durability = Durability::kFull);
    absl::StatusOr<Versions> Read();
    absl::Status Close();
    // Gives locks back and tells nobody.
    void Kill();
  };

  TwoProcesses();
  ~TwoProcesses();

  absl::Status Open(Process* process);
  // What is left when the power goes now, and nothing unsynced survives.
  absl::StatusOr<Versions> PowerCut();
  std::vector<std::string> LogFiles() const;
  // Files that wait to be used again.
  std::vector<std::string> KeptFiles() const;

  std::vector<std::string> FilesThatEndWith(const std::string& suffix) const;

  std::unique_ptr<support::SimulatedDisk> disk;
  support::FakeClock clock;
  io::SeededRandom random{7};
  RecordingLogger logger;
  StoreAddress store;  // of what is opened from now on
  Process a;
  Process b;
};

}  // namespace strata::wal
