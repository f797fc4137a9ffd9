#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/host.h"
#include "tests/crash/trace.h"
#include "tests/support/simulated_disk.h"

namespace strata::crash {

enum class Step {
  kCommit,
  kSpilledCommit,  // pages written before the commit, some of them twice
  kRollback,       // after a spill
  kSavepoint,      // a commit after a savepoint was undone
  kEmpty,          // a write transaction without writes
  kCheckpoint,
  kTruncate,  // checkpoint that leaves one empty file
  kQuiet,     // a background round after a short pause: syncs, marks, spare file, clean-up
  kSeal,      // the same after a long one: seals and ships too
  kSync,
  kReader,    // takes a snapshot, or looks whether it is still the same
  kKill,      // the process goes, the machine stays
  kClose,     // clean close, and open again
  kKeepOpen,  // clean close that leaves the log
  kFailSync,  // the next sync, not of the database file, fails
  kSwitch,    // another process goes on, and this one stays
};

inline constexpr int kStepKinds = static_cast<int>(Step::kSwitch) + 1;
const char* NameOf(Step step);

// Drives a log with transactions, and keeps account of what it must have kept.
class Driver {
 public:
  // `start` is what is on the disk; `first_version` is above every version in it.
  Driver(support::SimulatedDisk* disk, const Workload& workload, uint64_t seed, Trace trace,
         uint64_t first_version);
  ~Driver();

  void Open();
  void Run(Step step);
  Step RandomStep();
  // Ends like a process that goes away: nothing reaches the disk.
  void Kill();

  SyncSites& sites() { return sites_; }
  const SyncSites& sites() const { return sites_; }
  const Trace& trace() const { return trace_; }
  uint64_t next_version() const { return next_version_; }
  // What went wrong while it ran; empty: nothing.
  const std::string& failure() const { return failure_; }
  uint64_t count(Step step) const { return counts_[static_cast<int>(step)]; }
  // How often a log that had stopped was made to take writes again.
  uint64_t revivals() const { return revivals_; }

 private:
  struct Draft {
    DatabaseState state;
    std::map<uint32_t, uint64_t> in_log;  // versions that frames of the transaction hold
  };

  uint64_t Below(uint64_t limit) { return random_.Next64() % limit; }
  bool Chance(uint64_t in_100) { return Below(100) < in_100; }
  uint64_t Now() const { return disk_.operation_count(); }
  bool Fine(const absl::Status& status, const char* what);
  void Fail(const std::string& what);

  wal::Connection& AnyConnection();
  void Change(Draft* draft);
  void Grow(Draft* draft, uint32_t pages);
  std::vector<uint32_t> Dirty(const Draft& draft) const;
  bool SharesBlock(uint32_t page, uint32_t pages,
                   const std::function<bool(uint32_t)>& changed) const;
  absl::Status WritePages(wal::Connection& connection, Draft* draft,
                          const std::vector<uint32_t>& pages, bool commit, wal::Durability level);
  absl::Status Spill(wal::Connection& connection, Draft* draft, wal::Durability level);
  absl::Status UndoneSavepoint(wal::Connection& connection, Draft* draft, wal::Durability level);
  absl::Status Transaction(wal::Connection& connection, Step step, wal::Durability level);
  absl::Status CommitDraft(wal::Connection& connection, Draft* draft, wal::Durability level);
  void RunTransaction(Step step);
  void RunCheckpoint(bool truncate);
  void RunReader();
  void EndReader();
  void RunClose(bool remove);
  void RunSwitch();
  void KillCurrent();
  void RunStopped();
  bool LockForWrite(wal::Connection& connection);
  void Revive();
  void Look(wal::Connection& connection, uint64_t digest, const char* what);
  void NoteSynced();

  support::SimulatedDisk& disk_;
  const Workload workload_;
  SyncSites sites_;
  io::SeededRandom random_;
  Trace trace_;
  uint64_t next_version_;
  struct Process {
    std::unique_ptr<Host> host;
    std::shared_ptr<wal::Log> log;
    std::vector<std::unique_ptr<wal::Connection>> connections;
  };
  Process now_;                              // the one whose turn it is
  Process other_;                            // has the same log open, or nothing
  std::vector<Process> graveyard_;           // what the memory of killed ones held
  std::unique_ptr<wal::Connection> reader_;  // of either
  uint64_t reader_digest_ = 0;
  uint64_t faults_before_ = 0;             // fired when the log was opened
  bool broken_ = false;                    // it could not be opened
  std::optional<size_t> before_given_up_;  // the last commit that stands, of a log that stopped
  std::string failure_;
  std::string running_;
  uint64_t revivals_ = 0;
  uint64_t counts_[kStepKinds] = {};
};

}  // namespace strata::crash
