#include "tests/support/crash_pending.h"

#include <utility>

namespace strata::support {
namespace {

bool SetsName(const DiskOperation& operation) {
  return operation.kind == OperationKind::kCreate ||
         operation.kind == OperationKind::kMakeDirectory ||
         operation.kind == OperationKind::kRename;
}

bool MovesAway(const DiskOperation& operation, InodeNo inode, const DiskOperation& from) {
  return operation.kind == OperationKind::kRename && operation.inode == inode &&
         operation.from_directory == from.directory && operation.from_name == from.name;
}

// False when a part of it lies in stuck blocks, which stays behind.
bool SyncWrite(const PendingFile& file, const DiskOperation& write, DiskTree& durable) {
  if (file.stuck.empty()) {
    durable.Apply(write);
    return true;
  }
  bool whole = true;
  ForEachPiece(write, kBlockSize, [&](uint64_t offset, uint64_t length) {
    if (file.stuck.contains(offset / kBlockSize)) {
      whole = false;
    } else {
      durable.Write(write.inode, offset, PieceOf(write, offset, length));
    }
  });
  return whole;
}

}  // namespace

void SyncFile(PendingFile& file, DiskTree& durable) {
  for (const OperationPtr& operation : std::exchange(file.dirty, {})) {
    if (operation->kind == OperationKind::kTruncate) {
      durable.Apply(*operation);
    } else if (!SyncWrite(file, *operation, durable)) {
      file.abandoned.push_back(operation);
    }
  }
}

void AbandonFile(PendingFile& file) {
  for (const OperationPtr& operation : std::exchange(file.dirty, {})) {
    if (operation->kind == OperationKind::kTruncate) {
      file.dirty.push_back(operation);  // lies in the journal, not in the page cache
      continue;
    }
    file.abandoned.push_back(operation);
    ForEachPiece(*operation, kBlockSize,
                 [&](uint64_t offset, uint64_t) { file.stuck.insert(offset / kBlockSize); });
  }
}

void ApplyName(const std::vector<OperationPtr>& names, size_t index, std::vector<bool>& applied,
               DiskTree& tree) {
  if (applied[index]) return;
  applied[index] = true;
  const DiskOperation& operation = *names[index];
  if (operation.kind == OperationKind::kRemoveDirectory) {
    // A directory that is gone holds nothing.
    for (size_t earlier = 0; earlier < index; ++earlier) {
      if (names[earlier]->directory == operation.inode) ApplyName(names, earlier, applied, tree);
    }
  }
  const InodeNo occupant =
      SetsName(operation) ? tree.Lookup(operation.directory, operation.name) : kNoInode;
  if (occupant != kNoInode && occupant != operation.inode) {
    for (size_t earlier = 0; earlier < index; ++earlier) {
      if (MovesAway(*names[earlier], occupant, operation)) ApplyName(names, earlier, applied, tree);
    }
  }
  tree.Apply(operation);
}

void SyncNames(InodeNo directory, std::vector<OperationPtr>& names, DiskTree& durable) {
  std::vector<bool> applied(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i]->directory == directory) ApplyName(names, i, applied, durable);
  }
  std::vector<OperationPtr> rest;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!applied[i]) rest.push_back(names[i]);
  }
  names = std::move(rest);
}

}  // namespace strata::support
