#include "tests/support/disk_tree.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "io/status_macros.h"

namespace strata::support {
namespace {

uint64_t NewGeneration() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

// Calls visit(chunk index, offset in the chunk, offset in the range, length) for each chunk
// touched.
template <typename Visit>
void ForEachChunk(uint64_t offset, uint64_t length, Visit visit) {
  for (uint64_t done = 0; done < length;) {
    const uint64_t at = (offset + done) % kChunkSize;
    const uint64_t piece = std::min(kChunkSize - at, length - done);
    visit((offset + done) / kChunkSize, at, done, piece);
    done += piece;
  }
}

const uint8_t kZeros[kChunkSize] = {};

}  // namespace

DiskTree::DiskTree() : generation_(NewGeneration()), nodes_(2) {
  nodes_[kRootInode] = std::make_shared<DiskNode>();
  nodes_[kRootInode]->generation = generation_;
  nodes_[kRootInode]->kind = io::FileKind::kDirectory;
}

DiskTree DiskTree::Fork() {
  DiskTree copy(*this);
  copy.generation_ = NewGeneration();
  generation_ = NewGeneration();
  return copy;
}

DiskNode& DiskTree::Mutable(InodeNo inode) {
  std::shared_ptr<DiskNode>& node = nodes_[inode];
  if (node->generation != generation_) {
    node = std::make_shared<DiskNode>(*node);
    node->generation = generation_;
  }
  return *node;
}

uint8_t* DiskTree::MutableChunk(DiskNode& node, uint64_t index) {
  if (node.chunks.size() <= index) node.chunks.resize(index + 1);
  std::shared_ptr<DiskChunk>& chunk = node.chunks[index];
  if (chunk == nullptr) {
    chunk = std::make_shared<DiskChunk>();
  } else if (chunk->generation != generation_) {
    chunk = std::make_shared<DiskChunk>(*chunk);
  }
  chunk->generation = generation_;
  return chunk->bytes.data();
}

void DiskTree::AddNode(const DiskOperation& operation) {
  if (nodes_.size() <= operation.inode) nodes_.resize(operation.inode + 1);
  if (nodes_[operation.inode] != nullptr) return;
  auto node = std::make_shared<DiskNode>();
  node->generation = generation_;
  if (operation.kind == OperationKind::kMakeDirectory) node->kind = io::FileKind::kDirectory;
  node->ownership = operation.ownership;
  node->modified_ns = node->changed_ns = operation.time_ns;
  nodes_[operation.inode] = std::move(node);
}

void DiskTree::Apply(const DiskOperation& operation) {
  switch (operation.kind) {
    case OperationKind::kWrite:
      Write(operation.inode, operation.offset, operation.bytes);
      break;
    case OperationKind::kTruncate:
      Resize(operation.inode, operation.offset);
      break;
    case OperationKind::kCreate:
    case OperationKind::kMakeDirectory:
      AddNode(operation);
      SetName(operation.inode, operation.directory, operation.name);
      return;
    case OperationKind::kRename:
      SetName(operation.inode, operation.directory, operation.name);
      return;
    case OperationKind::kUnlink:
    case OperationKind::kRemoveDirectory:
      RemoveNameIf(operation);
      return;
    case OperationKind::kSync:
    case OperationKind::kFailedSync:
    case OperationKind::kSyncDirectory:
      return;
  }
  DiskNode& node = Mutable(operation.inode);
  node.modified_ns = node.changed_ns = operation.time_ns;
}

void DiskTree::ClearName(InodeNo inode) {
  DiskNode& node = Mutable(inode);
  if (node.parent == kNoInode) return;
  Mutable(node.parent).entries.erase(node.name);
  node.parent = kNoInode;
  node.name.clear();
}

void DiskTree::SetName(InodeNo inode, InodeNo directory, const std::string& name) {
  ClearName(inode);
  DiskNode& parent = Mutable(directory);
  const auto replaced = parent.entries.find(name);
  if (replaced != parent.entries.end()) ClearName(InodeNo{replaced->second});
  parent.entries[name] = inode;
  DiskNode& node = Mutable(inode);
  node.parent = directory;
  node.name = name;
}

// Does nothing when, in this state, the name belongs to something else or the directory is not
// empty.
void DiskTree::RemoveNameIf(const DiskOperation& operation) {
  const DiskNode* node = Find(operation.inode);
  if (node == nullptr || node->parent != operation.directory || node->name != operation.name)
    return;
  if (!node->entries.empty()) return;
  ClearName(operation.inode);
}

void DiskTree::Write(InodeNo inode, uint64_t offset, io::ByteView bytes) {
  DiskNode& node = Mutable(inode);
  ForEachChunk(offset, bytes.size(),
               [&](uint64_t index, uint64_t at, uint64_t from, uint64_t length) {
                 std::memcpy(MutableChunk(node, index) + at, bytes.data() + from, length);
               });
  node.size = std::max(node.size, bytes.empty() ? node.size : offset + bytes.size());
}

void DiskTree::Resize(InodeNo inode, uint64_t size) {
  DiskNode& node = Mutable(inode);
  if (size < node.size) {
    const uint64_t chunks = (size + kChunkSize - 1) / kChunkSize;
    if (node.chunks.size() > chunks) node.chunks.resize(chunks);
    const uint64_t kept = size % kChunkSize;
    if (kept != 0 && node.chunks.size() == chunks && node.chunks.back() != nullptr) {
      std::memset(MutableChunk(node, chunks - 1) + kept, 0, kChunkSize - kept);
    }
  }
  node.size = size;
}

size_t DiskTree::Read(InodeNo inode, uint64_t offset, io::MutableBytes out) const {
  const DiskNode& node = *nodes_[inode];
  if (offset >= node.size) return 0;
  const size_t length = std::min<uint64_t>(out.size(), node.size - offset);
  ForEachChunk(offset, length, [&](uint64_t index, uint64_t at, uint64_t to, uint64_t piece) {
    const bool stored = index < node.chunks.size() && node.chunks[index] != nullptr;
    std::memcpy(out.data() + to, (stored ? node.chunks[index]->bytes.data() : kZeros) + at, piece);
  });
  return length;
}

bool DiskTree::SameBytes(const DiskTree& other, InodeNo inode, uint64_t offset,
                         uint64_t length) const {
  const DiskNode& ours = *nodes_[inode];
  const DiskNode& theirs = *other.nodes_[inode];
  const auto end = [&](const DiskNode& node) { return std::min(node.size, offset + length); };
  if (end(ours) != end(theirs)) return false;
  if (end(ours) <= offset) return true;
  const auto chunk = [](const DiskNode& node, uint64_t index) {
    const bool stored = index < node.chunks.size() && node.chunks[index] != nullptr;
    return stored ? node.chunks[index]->bytes.data() : kZeros;
  };
  bool same = true;
  ForEachChunk(offset, end(ours) - offset,
               [&](uint64_t index, uint64_t at, uint64_t, uint64_t piece) {
                 const uint8_t* a = chunk(ours, index);
                 const uint8_t* b = chunk(theirs, index);
                 same = same && (a == b || std::memcmp(a + at, b + at, piece) == 0);
               });
  return same;
}

const DiskNode* DiskTree::Find(InodeNo inode) const {
  return inode < nodes_.size() ? nodes_[inode].get() : nullptr;
}

InodeNo DiskTree::Lookup(InodeNo directory, const std::string& name) const {
  const DiskNode* node = Find(directory);
  if (node == nullptr) return kNoInode;
  const auto entry = node->entries.find(name);
  return entry == node->entries.end() ? kNoInode : entry->second;
}

bool DiskTree::IsReachable(InodeNo inode) const {
  while (inode != kRootInode) {
    const DiskNode* node = Find(inode);
    if (node == nullptr || node->parent == kNoInode) return false;
    inode = node->parent;
  }
  return true;
}

absl::StatusOr<DiskTree::Place> DiskTree::ResolvePlace(absl::string_view path) const {
  const auto not_found = [&] { return absl::NotFoundError(absl::StrCat(path, ": not found")); };
  Place place{kNoInode, "", kRootInode};
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part == "..")
      return absl::InvalidArgumentError(absl::StrCat(path, ": '..' is not supported"));
    const DiskNode* directory = Find(place.inode);
    if (directory == nullptr || directory->kind != io::FileKind::kDirectory) return not_found();
    const auto entry = directory->entries.find(std::string(part));
    const InodeNo found = entry == directory->entries.end() ? kNoInode : entry->second;
    place = {place.inode, std::string(part), found};
  }
  return place;
}

absl::StatusOr<InodeNo> DiskTree::Resolve(absl::string_view path) const {
  STRATA_ASSIGN_OR_RETURN(const Place place, ResolvePlace(path));
  if (place.inode == kNoInode) return absl::NotFoundError(absl::StrCat(path, ": not found"));
  return place.inode;
}

}  // namespace strata::support
