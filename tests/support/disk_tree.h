#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/bytes.h"
#include "io/file.h"
#include "tests/support/disk_operation.h"

namespace strata::support {

constexpr uint64_t kChunkSize = 4096;

struct DiskChunk {
  uint64_t generation = 0;
  std::array<uint8_t, kChunkSize> bytes{};
};

// A file or directory. There are no hard links: it has one name, or none.
struct DiskNode {
  uint64_t generation = 0;
  io::FileKind kind = io::FileKind::kRegular;
  io::Ownership ownership;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  InodeNo parent = kNoInode;  // kNoInode: unlinked, or never durable under a name
  std::string name;
  uint64_t size = 0;
  std::vector<std::shared_ptr<DiskChunk>> chunks;  // null: zeros
  std::map<std::string, InodeNo> entries;
};

// One state of a whole disk. Forks share what neither has changed since; a node or chunk is written
// in place only by the state whose generation it carries, so forks may live in different threads.
class DiskTree {
 public:
  DiskTree();  // an empty root directory
  DiskTree(DiskTree&&) = default;
  DiskTree& operator=(DiskTree&&) = default;

  // Changes this tree's generation too: from now on nothing is its own.
  DiskTree Fork();

  // The state after the operation. Syncs change nothing.
  void Apply(const DiskOperation& operation);

  // The inode that a create or mkdir will need, without a name.
  void AddNode(const DiskOperation& operation);

  void Write(InodeNo inode, uint64_t offset, io::ByteView bytes);
  void Resize(InodeNo inode, uint64_t size);
  size_t Read(InodeNo inode, uint64_t offset, io::MutableBytes out) const;

  // Whether [offset, offset + length) of the file is the same here and there, its end included.
  bool SameBytes(const DiskTree& other, InodeNo inode, uint64_t offset, uint64_t length) const;

  // Null when the inode is unknown.
  const DiskNode* Find(InodeNo inode) const;
  InodeNo Lookup(InodeNo directory, const std::string& name) const;  // kNoInode: no such name
  bool IsReachable(InodeNo inode) const;
  InodeNo next_inode() const { return nodes_.size(); }

  // Every absolute or relative path starts at the root. NotFound; InvalidArgument for "..".
  absl::StatusOr<InodeNo> Resolve(absl::string_view path) const;

  // The directory that holds, or would hold, the last component of `path`, and that component.
  struct Place {
    InodeNo directory = kNoInode;
    std::string name;
    InodeNo inode = kNoInode;  // kNoInode: no such name
  };
  absl::StatusOr<Place> ResolvePlace(absl::string_view path) const;

 private:
  DiskTree(const DiskTree&) = default;

  DiskNode& Mutable(InodeNo inode);
  uint8_t* MutableChunk(DiskNode& node, uint64_t index);
  void SetName(InodeNo inode, InodeNo directory, const std::string& name);
  void ClearName(InodeNo inode);
  void RemoveNameIf(const DiskOperation& operation);

  uint64_t generation_;
  std::vector<std::shared_ptr<DiskNode>> nodes_;  // by inode
};

}  // namespace strata::support
