#pragma once

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "tests/support/disk_operation.h"
#include "tests/support/disk_tree.h"

namespace strata::support {

// What a file has that is not durable.
struct PendingFile {
  std::vector<OperationPtr> dirty;      // writes and truncates since the last sync, in order
  std::vector<OperationPtr> abandoned;  // writes that no sync will make durable any more
  absl::flat_hash_set<uint64_t> stuck;  // 4 KiB blocks that abandoned writes touched
};

constexpr uint64_t kBlockSize = 4096;

// A successful sync: moves the dirty operations into `durable`, but for the stuck blocks.
void SyncFile(PendingFile& file, DiskTree& durable);

// A failed one: gives the dirty writes up.
void AbandonFile(PendingFile& file);

// Makes the pending name operations of a directory durable and removes them from `names`.
void SyncNames(InodeNo directory, std::vector<OperationPtr>& names, DiskTree& durable);

// Applies the operation with index `index`, unless applied already; before it an earlier rename
// that was left out, when the operation would otherwise destroy the file which that rename had
// moved away.
void ApplyName(const std::vector<OperationPtr>& names, size_t index, std::vector<bool>& applied,
               DiskTree& tree);

// Calls visit(offset, length) for each piece of the operation's range within one aligned unit.
template <typename Visit>
void ForEachPiece(const DiskOperation& write, uint64_t unit, Visit visit) {
  const uint64_t end = write.offset + write.bytes.size();
  for (uint64_t at = write.offset; at < end;) {
    const uint64_t next = std::min(end, (at / unit + 1) * unit);
    visit(at, next - at);
    at = next;
  }
}

inline io::ByteView PieceOf(const DiskOperation& write, uint64_t offset, uint64_t length) {
  return io::ByteView(write.bytes).subspan(offset - write.offset, length);
}

}  // namespace strata::support
