#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"

namespace strata::support {

using InodeNo = uint64_t;
constexpr InodeNo kNoInode = 0;
constexpr InodeNo kRootInode = 1;

enum class OperationKind {
  kWrite,
  kTruncate,
  kSync,
  kFailedSync,  // the kernel forgets that the pages are dirty
  kCreate,
  kMakeDirectory,
  kRename,
  kUnlink,
  kRemoveDirectory,
  kSyncDirectory,
};

// One mutation of a simulated disk. Refers to files and directories by inode, so that it can be
// applied to any earlier state of the disk.
struct DiskOperation {
  OperationKind kind;
  uint64_t sequence = 0;       // place in the disk's record, from 0
  InodeNo inode = kNoInode;    // written, synced, created, renamed, removed
  int64_t time_ns = 0;         // becomes mtime and ctime
  uint64_t offset = 0;         // kWrite; the new size for kTruncate
  std::vector<uint8_t> bytes;  // kWrite
  InodeNo directory =
      kNoInode;  // holds `name`; for kRename the target's; for kSyncDirectory the one synced
  std::string name;
  InodeNo from_directory = kNoInode;  // kRename
  std::string from_name;
  io::Ownership ownership;  // kCreate, kMakeDirectory
  std::string path;         // for messages
};

using OperationPtr = std::shared_ptr<const DiskOperation>;

// "17 write /db/app.db 4096+1024".
std::string Describe(const DiskOperation& operation);

}  // namespace strata::support
