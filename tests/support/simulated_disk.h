#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "tests/support/disk_operation.h"
#include "tests/support/disk_tree.h"
#include "tests/support/fault_plan.h"

namespace strata::support {

class DiskCore;  // simulated_disk.cc: the state that the disk shares with its open files

// A disk in memory that remembers every mutation, so that tests/support/crash_image.h can build
// what a power loss at any moment would have left, and that fails the calls it is told to fail. One
// flat tree below "/"; relative paths start there too; no links. Safe to call from any thread; open
// files keep the contents alive.
//
// Usage:
//   SimulatedDisk disk;
//   ... run a workload on it, noting disk.operation_count() at each acknowledgement ...
//   ImageBuilder builder(disk);
//   for (uint64_t k = 0; k <= builder.operation_count(); ++k) {
//     builder.AdvanceTo(k);
//     std::unique_ptr<SimulatedDisk> image = builder.Build({.seed = seed}, &counts);
//     ... recover on *image: whatever was acknowledged at or before k must be there ...
//   }
class SimulatedDisk : public io::FileSystem {
 public:
  SimulatedDisk();
  explicit SimulatedDisk(DiskTree tree, int64_t start_ns = 1'700'000'000'000'000'000);
  ~SimulatedDisk() override;

  absl::StatusOr<std::unique_ptr<io::File>> Open(const std::string& path, io::OpenMode mode,
                                                 const io::Ownership& ownership = {}) override;
  absl::Status CreateDirectory(const std::string& path,
                               const io::Ownership& ownership = {}) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RenameIfAbsent(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<io::FileInfo> Stat(const std::string& path) override;
  // Memory that goes with the disk: no record tells of its content, and no image has it.
  absl::StatusOr<std::unique_ptr<io::SharedMemory>> MapShared(
      const std::string& path, io::OpenMode mode, uint64_t bytes,
      const io::Ownership& ownership = {}) override;
  absl::StatusOr<bool> IsNetwork(const std::string& path) override;

  // Makes a call fail; several faults may be pending. See fault_plan.h.
  void FailOperation(const InjectedFault& fault);
  void ClearFaults();
  uint64_t call_count() const;  // calls so far that FailOperation could have hit with kAllCalls
  uint64_t faults_fired() const;

  // What IsNetwork answers.
  void set_network(bool network);

  // Mutations so far. A mutation that fails is none, but a partial write and a failed Sync are.
  uint64_t operation_count() const;
  std::vector<OperationPtr> Operations() const;

  // The mtime that the next mutation gives: the disk's own time, which goes on by 1 µs with each.
  int64_t now_ns() const;

  // The state that the record starts from, and the present one.
  DiskTree InitialTree() const;
  DiskTree CurrentTree() const;

  // Contents of every file by path, in order, without counting as calls.
  std::map<std::string, std::vector<uint8_t>> Files() const;

 private:
  const std::shared_ptr<DiskCore> core_;
};

}  // namespace strata::support
