#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/crash_pending.h"
#include "tests/support/disk_operation.h"
#include "tests/support/disk_tree.h"
#include "tests/support/simulated_disk.h"

// What a disk may hold after power was lost at some operation of a recorded workload.
//
// Until its file was synced, a write may be kept, lost, torn at 512 B or 4 KiB, overtaken by later
// ones, or leave garbage in its own range, and a truncate may be lost. Until the directory was
// synced (the target's, for a rename across directories), a create, mkdir, rename, unlink or rmdir
// may be kept or lost, in any combination that leaves each file with one name at most and loses
// none by a rename. Syncing a file does not make its name durable. A failed sync: see
// InjectedFault.
namespace strata::support {

enum class CrashPolicy {
  kDropUnsynced,  // just what was synced
  kKeepAll,       // everything, except what a failed sync has given up
  kRandom,        // by the seed
};

enum class DamageModel {
  kPowerSafeOverwrite,    // bytes that no unsynced write covers keep their value
  kNoPowerSafeOverwrite,  // kRandom may damage the whole 4 KiB blocks that an unsynced write
                          // touches
};

struct CrashOptions {
  uint64_t seed = 0;
  CrashPolicy policy = CrashPolicy::kRandom;
  DamageModel damage = DamageModel::kPowerSafeOverwrite;
};

// How often each kind of damage made an image differ from what it would be with everything kept.
struct FaultCounts {
  uint64_t images = 0;
  uint64_t lost_write = 0;
  uint64_t torn_write_512 = 0;
  uint64_t torn_write_4096 = 0;
  uint64_t reordered = 0;  // a write visible although an earlier one is lost or torn
  uint64_t garbage = 0;
  uint64_t block_damage = 0;      // kNoPowerSafeOverwrite
  uint64_t failed_sync_loss = 0;  // bytes that a failed sync gave up are not there
  uint64_t lost_truncate = 0;
  uint64_t lost_create = 0;  // and mkdir
  uint64_t lost_rename = 0;
  uint64_t lost_unlink = 0;  // and rmdir

  FaultCounts& operator+=(const FaultCounts& other);
  std::string ToString() const;
};

// Goes forward over the record of a disk and builds images on the way, each at a cost of what is
// unsynced, not of what happened before. Takes the record when constructed: the disk may go on or
// away. One thread at a time; different builders, and the images, are independent.
class ImageBuilder {
 public:
  explicit ImageBuilder(const SimulatedDisk& disk);

  uint64_t operation_count() const { return operations_.size(); }
  uint64_t position() const { return position_; }

  // Power is lost after the first `operations` operations; not below position().
  void AdvanceTo(uint64_t operations);

  // One possible disk, a fresh record starting on it. The same options at the same position give
  // the same image. Adds to `counts` unless null.
  std::unique_ptr<SimulatedDisk> Build(const CrashOptions& options, FaultCounts* counts = nullptr);

  // Whether anything is unsynced here; if not, all images are equal.
  bool HasPending() const;

  // The last operation before the cut, for messages.
  std::string Where() const;

 private:
  void Advance(const OperationPtr& operation);

  const std::vector<OperationPtr> operations_;
  const int64_t image_start_ns_;  // later than anything on the disk
  uint64_t position_ = 0;
  DiskTree durable_;
  DiskTree full_;
  std::map<InodeNo, PendingFile> files_;  // ordered, so that a seed means one image
  std::vector<OperationPtr> names_;
};

// An image without a cursor: replays everything, for tests that need just one.
std::unique_ptr<SimulatedDisk> CrashImage(const SimulatedDisk& disk, uint64_t operations,
                                          const CrashOptions& options,
                                          FaultCounts* counts = nullptr);

}  // namespace strata::support
