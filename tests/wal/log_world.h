#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/random.h"
#include "tests/support/fake_clock.h"
#include "tests/support/simulated_disk.h"
#include "wal/connection.h"
#include "wal/log.h"

// A database of made-up pages with its log, on a simulated disk and under a clock that stands
// still.
namespace strata::wal {

constexpr uint32_t kPageSize = 512;

// Content of a page; version 0 is all zeros.
std::vector<uint8_t> PageBytes(uint32_t page, uint64_t version, uint32_t page_size = kPageSize);

// The version that PageBytes made `bytes` of; UINT64_MAX when it did not.
uint64_t VersionOf(uint32_t page, const std::vector<uint8_t>& bytes);

// Version of each page from 1 on.
using Versions = std::vector<uint64_t>;

class RecordingLogger : public io::Logger {
 public:
  void Log(io::Severity severity, std::string_view message) override;
  std::string text() const;

 private:
  mutable io::Mutex mutex_;
  std::string text_;
};

struct PageVersion {
  uint32_t page;
  uint64_t version;
};

// Begins a write transaction on the newest snapshot. BusySnapshot cannot happen: the lock comes
// first.
absl::Status BeginWrite(Connection& connection);
absl::Status Spill(Connection& connection, const std::vector<PageVersion>& pages);
absl::Status Commit(Connection& connection, const std::vector<PageVersion>& pages,
                    uint32_t database_pages, Durability durability);
void End(Connection& connection);
// All of that in one: a transaction with these pages. On an error it is rolled back.
absl::Status CommitPages(Connection& connection, const std::vector<PageVersion>& pages,
                         uint32_t database_pages, Durability durability = Durability::kFull);

// The whole database in a new snapshot; `database`: the plain file. What is in neither is version
// 0.
absl::StatusOr<Versions> ReadVersions(Connection& connection, const std::vector<uint8_t>& database);

class LogWorld {
 public:
  LogWorld() : LogWorld(std::make_unique<support::SimulatedDisk>()) {}
  explicit LogWorld(std::unique_ptr<support::SimulatedDisk> disk_at_start, uint64_t seed = 1);
  ~LogWorld();

  static constexpr char kDatabase[] = "/app.db";
  static constexpr char kDirectory[] = "/app.db-wal";
  static constexpr char kStrata[] = "/app.db-strata";

  // A plain SQLite header and `pages` pages of version 1 each (page 1 excepted), durable.
  void CreateDatabase(uint32_t pages);

  LogPlace Place();
  Environment World();
  absl::StatusOr<std::shared_ptr<Log>> TryOpen();
  absl::Status Open();   // keeps log and connection
  absl::Status Close();  // cleanly; checkpoints and removes
  void Crash();          // lets go of everything without a word: kill -9

  absl::Status CommitPages(const std::vector<PageVersion>& pages, uint32_t database_pages,
                           Durability durability = Durability::kFull) {
    return wal::CommitPages(*connection, pages, database_pages, durability);
  }
  absl::StatusOr<Versions> Read() { return ReadVersions(*connection, disk->Files()[kDatabase]); }

  // After time enough has passed: one round of the background.
  void Pass(int64_t micros);

  std::vector<std::string> LogFileNames();

  std::unique_ptr<support::SimulatedDisk> disk;
  io::FileSystem* files = nullptr;  // between the log and the disk, if there is one
  support::FakeClock clock;
  io::SeededRandom random;
  RecordingLogger logger;
  Options options;
  StoreAddress store;
  bool read_only = false;
  std::shared_ptr<Log> log;
  std::unique_ptr<Connection> connection;
};

}  // namespace strata::wal
