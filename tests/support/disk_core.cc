#include "tests/support/disk_core.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::support {
namespace {

constexpr uint64_t kMaxFileSize = uint64_t{1}
                                  << 40;  // a runaway offset is an error, not an allocation

absl::Status Named(const absl::Status& status, absl::string_view path) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

absl::Status CheckRange(const std::string& path, uint64_t offset, uint64_t length) {
  if (offset <= kMaxFileSize && length <= kMaxFileSize - offset) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": range at ", offset, " of ", length,
                                                 " bytes is beyond the largest file"));
}

std::vector<uint8_t> Joined(absl::Span<const io::ByteView> parts) {
  std::vector<uint8_t> all;
  size_t size = 0;
  for (const io::ByteView& part : parts) size += part.size();
  all.reserve(size);
  for (const io::ByteView& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

absl::Status DiskCore::Count(CallSet call, absl::string_view path) {
  const std::optional<InjectedFault> fault = faults.Next(call);
  return fault.has_value() ? Named(fault->status, path) : absl::OkStatus();
}

void DiskCore::Record(DiskOperation operation) {
  operation.sequence = operations.size();
  operation.time_ns = NowNs();
  live_.Apply(operation);
  operations.push_back(std::make_shared<const DiskOperation>(std::move(operation)));
}

DiskTree DiskCore::ForkLive() {
  absl::MutexLock lock(&mutex);
  return live_.Fork();
}

DiskTree DiskCore::ForkInitial() {
  absl::MutexLock lock(&mutex);
  return initial_.Fork();
}

absl::StatusOr<InodeNo> DiskCore::OpenExisting(const std::string& path) {
  STRATA_RETURN_IF_ERROR(Count(kOpenCall, path));
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, live_.Resolve(path));
  if (live_.Find(inode)->kind == io::FileKind::kRegular) return inode;
  return absl::FailedPreconditionError(absl::StrCat("open ", path, ": not a regular file"));
}

absl::StatusOr<InodeNo> DiskCore::Create(const std::string& path, const DiskTree::Place& place,
                                         OperationKind kind, const io::Ownership& ownership) {
  STRATA_RETURN_IF_ERROR(Count(kCreateCall, path));
  if (place.inode != kNoInode) return absl::AlreadyExistsError(absl::StrCat(path, ": exists"));
  const InodeNo inode = live_.next_inode();
  Record({.kind = kind,
          .inode = inode,
          .directory = place.directory,
          .name = place.name,
          .ownership = ownership,
          .path = path});
  return inode;
}

absl::StatusOr<InodeNo> DiskCore::Open(const std::string& path, io::OpenMode mode,
                                       const io::Ownership& ownership) {
  absl::MutexLock lock(&mutex);
  if (mode != io::OpenMode::kCreate && mode != io::OpenMode::kCreateOrOpen)
    return OpenExisting(path);
  STRATA_ASSIGN_OR_RETURN(const DiskTree::Place place, live_.ResolvePlace(path));
  if (mode == io::OpenMode::kCreateOrOpen && place.inode != kNoInode) return OpenExisting(path);
  return Create(path, place, OperationKind::kCreate, ownership);
}

absl::Status DiskCore::CreateDirectory(const std::string& path, const io::Ownership& ownership) {
  absl::MutexLock lock(&mutex);
  STRATA_ASSIGN_OR_RETURN(const DiskTree::Place place, live_.ResolvePlace(path));
  return Create(path, place, OperationKind::kMakeDirectory, ownership).status();
}

absl::Status DiskCore::Remove(const std::string& path, io::FileKind kind) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kUnlinkCall, path));
  STRATA_ASSIGN_OR_RETURN(const DiskTree::Place place, live_.ResolvePlace(path));
  if (place.inode == kNoInode) return absl::NotFoundError(absl::StrCat(path, ": not found"));
  const DiskNode& node = *live_.Find(place.inode);
  const bool directory = kind == io::FileKind::kDirectory;
  if (directory && node.kind != kind)
    return absl::NotFoundError(absl::StrCat(path, ": no directory"));
  if (node.kind != kind || !node.entries.empty() || place.inode == kRootInode) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, directory ? ": not empty" : ": is a directory"));
  }
  Record({.kind = directory ? OperationKind::kRemoveDirectory : OperationKind::kUnlink,
          .inode = place.inode,
          .directory = place.directory,
          .name = place.name,
          .path = path});
  return absl::OkStatus();
}

absl::Status DiskCore::CheckReplaceable(const DiskTree::Place& source,
                                        const DiskTree::Place& target, const std::string& to,
                                        bool replace) {
  if (target.inode == kNoInode) return absl::OkStatus();
  if (!replace) return absl::AlreadyExistsError(absl::StrCat(to, ": exists"));
  const DiskNode& old = *live_.Find(target.inode);
  const bool same_kind = old.kind == live_.Find(source.inode)->kind;
  if (same_kind && old.entries.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(to, ": of another kind, or not empty"));
}

absl::Status DiskCore::Rename(const std::string& from, const std::string& to, bool replace) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kRenameCall, to));
  STRATA_ASSIGN_OR_RETURN(const DiskTree::Place source, live_.ResolvePlace(from));
  STRATA_ASSIGN_OR_RETURN(const DiskTree::Place target, live_.ResolvePlace(to));
  if (source.inode == kNoInode) return absl::NotFoundError(absl::StrCat(from, ": not found"));
  if (source.directory == kNoInode || target.directory == kNoInode) {
    return absl::InvalidArgumentError("the root cannot be renamed");
  }
  STRATA_RETURN_IF_ERROR(CheckReplaceable(source, target, to, replace));
  if (source.inode == target.inode) return absl::OkStatus();
  Record({.kind = OperationKind::kRename,
          .inode = source.inode,
          .directory = target.directory,
          .name = target.name,
          .from_directory = source.directory,
          .from_name = source.name,
          .path = to});
  return absl::OkStatus();
}

absl::StatusOr<InodeNo> DiskCore::ResolveDirectory(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, live_.Resolve(path));
  if (live_.Find(inode)->kind == io::FileKind::kDirectory) return inode;
  return absl::NotFoundError(absl::StrCat(path, ": not a directory"));
}

absl::Status DiskCore::SyncDirectory(const std::string& path) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kSyncDirectoryCall, path));
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, ResolveDirectory(path));
  Record({.kind = OperationKind::kSyncDirectory, .directory = inode, .path = path});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> DiskCore::List(const std::string& path) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kQueryCall, path));
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, ResolveDirectory(path));
  std::vector<std::string> names;
  for (const auto& [name, child] : live_.Find(inode)->entries) names.push_back(name);
  return names;
}

absl::StatusOr<io::FileInfo> DiskCore::Stat(const std::string& path) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kQueryCall, path));
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, live_.Resolve(path));
  const DiskNode& node = *live_.Find(inode);
  io::FileInfo info;
  info.kind = node.kind;
  info.size = node.size;
  info.device = 1;
  info.inode = inode;
  info.modified_ns = node.modified_ns;
  info.changed_ns = node.changed_ns;
  info.mode = node.ownership.mode;
  if (node.kind == io::FileKind::kDirectory) info.mode |= (info.mode & 0444) >> 2;
  info.uid = node.ownership.set_owner ? node.ownership.uid : 0;
  info.gid = node.ownership.set_owner ? node.ownership.gid : 0;
  return info;
}

absl::StatusOr<bool> DiskCore::IsNetwork(const std::string& path) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kQueryCall, path));
  STRATA_RETURN_IF_ERROR(live_.Resolve(path).status());
  return network;
}

absl::StatusOr<size_t> DiskCore::Read(InodeNo inode, const std::string& path, uint64_t offset,
                                      io::MutableBytes out) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kReadCall, path));
  STRATA_RETURN_IF_ERROR(CheckRange(path, offset, out.size()));
  return live_.Read(inode, offset, out);
}

absl::Status DiskCore::Write(InodeNo inode, const std::string& path, uint64_t offset,
                             absl::Span<const io::ByteView> parts) {
  std::vector<uint8_t> bytes = Joined(parts);
  absl::MutexLock lock(&mutex);
  const std::optional<InjectedFault> fault = faults.Next(kWriteCall);
  STRATA_RETURN_IF_ERROR(CheckRange(path, offset, bytes.size()));
  if (fault.has_value()) bytes.resize(fault->partial ? bytes.size() / 2 : 0);
  if (!bytes.empty()) {
    Record({.kind = OperationKind::kWrite,
            .inode = inode,
            .offset = offset,
            .bytes = std::move(bytes),
            .path = path});
  }
  return fault.has_value() ? Named(fault->status, path) : absl::OkStatus();
}

absl::Status DiskCore::Sync(InodeNo inode, const std::string& path) {
  absl::MutexLock lock(&mutex);
  const absl::Status failed = Count(kSyncCall, path);
  Record({.kind = failed.ok() ? OperationKind::kSync : OperationKind::kFailedSync,
          .inode = inode,
          .path = path});
  return failed;
}

absl::StatusOr<uint64_t> DiskCore::Size(InodeNo inode, const std::string& path) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kQueryCall, path));
  return live_.Find(inode)->size;
}

absl::Status DiskCore::Truncate(InodeNo inode, const std::string& path, uint64_t size) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kTruncateCall, path));
  STRATA_RETURN_IF_ERROR(CheckRange(path, size, 0));
  Record({.kind = OperationKind::kTruncate, .inode = inode, .offset = size, .path = path});
  return absl::OkStatus();
}

absl::StatusOr<bool> DiskCore::TryLock(InodeNo inode, const std::string& path, const void* owner,
                                       const io::LockRange& range, io::LockKind kind) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kLockCall, path));
  return locks_[inode].TryLock(owner, range, kind);
}

absl::Status DiskCore::Unlock(InodeNo inode, const std::string& path, const void* owner,
                              const io::LockRange& range) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kLockCall, path));
  locks_[inode].Unlock(owner, range);
  return absl::OkStatus();
}

absl::StatusOr<bool> DiskCore::IsLockedByOthers(InodeNo inode, const std::string& path,
                                                const void* owner, const io::LockRange& range) {
  absl::MutexLock lock(&mutex);
  STRATA_RETURN_IF_ERROR(Count(kLockCall, path));
  return locks_[inode].Conflicts(owner, range, io::LockKind::kExclusive);
}

void DiskCore::Close(InodeNo inode, const void* owner) {
  absl::MutexLock lock(&mutex);
  locks_[inode].Unlock(owner, {});
}

namespace {

// One of several mappings of the same memory.
class MappedMemory : public io::SharedMemory {
 public:
  explicit MappedMemory(std::shared_ptr<io::SharedMemory> memory) : memory_(std::move(memory)) {}
  uint8_t* data() const override { return memory_->data(); }
  uint64_t size() const override { return memory_->size(); }
  absl::StatusOr<uint64_t> Reserved() const override { return memory_->Reserved(); }
  absl::Status Reserve(uint64_t bytes) override { return memory_->Reserve(bytes); }
  void Wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t timeout_us) override {
    memory_->Wait(word, expected, timeout_us);
  }
  void Wake(const std::atomic<uint32_t>& word) override { memory_->Wake(word); }

 private:
  const std::shared_ptr<io::SharedMemory> memory_;
};

}  // namespace

std::unique_ptr<io::SharedMemory> DiskCore::Map(InodeNo inode, uint64_t bytes) {
  absl::MutexLock lock(&mutex);
  std::weak_ptr<io::SharedMemory>& known = mapped_[inode];
  std::shared_ptr<io::SharedMemory> memory = known.lock();
  if (memory == nullptr) {
    memory = io::NewHeapMemory(bytes);
    known = memory;
  }
  return std::make_unique<MappedMemory>(std::move(memory));
}

}  // namespace strata::support
