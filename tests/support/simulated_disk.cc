#include "tests/support/simulated_disk.h"

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "tests/support/disk_core.h"

namespace strata::support {
namespace {

class SimulatedFile : public io::File {
 public:
  SimulatedFile(std::shared_ptr<DiskCore> core, InodeNo inode, std::string path, bool writable)
      : core_(std::move(core)), inode_(inode), path_(std::move(path)), writable_(writable) {}
  ~SimulatedFile() override { core_->Close(inode_, this); }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, io::MutableBytes out) override {
    return core_->Read(inode_, path_, offset, out);
  }
  absl::Status WriteAt(uint64_t offset, absl::Span<const io::ByteView> parts) override {
    STRATA_RETURN_IF_ERROR(CheckWritable());
    return core_->Write(inode_, path_, offset, parts);
  }
  absl::Status Sync() override { return core_->Sync(inode_, path_); }
  absl::StatusOr<std::unique_ptr<io::File>> OpenForSync() override {
    return std::make_unique<SimulatedFile>(core_, inode_, path_, false);
  }
  absl::StatusOr<uint64_t> Size() override { return core_->Size(inode_, path_); }
  absl::Status Truncate(uint64_t size) override {
    STRATA_RETURN_IF_ERROR(CheckWritable());
    return core_->Truncate(inode_, path_, size);
  }
  absl::StatusOr<bool> TryLockRange(const io::LockRange& range, io::LockKind kind) override {
    if (kind == io::LockKind::kExclusive) STRATA_RETURN_IF_ERROR(CheckWritable());
    return core_->TryLock(inode_, path_, this, range, kind);
  }
  absl::Status UnlockRange(const io::LockRange& range) override {
    return core_->Unlock(inode_, path_, this, range);
  }
  absl::StatusOr<bool> IsLockedByOthers(const io::LockRange& range) override {
    return core_->IsLockedByOthers(inode_, path_, this, range);
  }
  const std::string& path() const override { return path_; }

 private:
  absl::Status CheckWritable() const {
    if (writable_) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(path_, ": opened for reading only"));
  }

  const std::shared_ptr<DiskCore> core_;
  const InodeNo inode_;
  const std::string path_;
  const bool writable_;
};

void Collect(const DiskTree& tree, InodeNo directory, const std::string& path,
             std::map<std::string, std::vector<uint8_t>>* files) {
  for (const auto& [name, inode] : tree.Find(directory)->entries) {
    const std::string child = absl::StrCat(path, "/", name);
    const DiskNode& node = *tree.Find(inode);
    if (node.kind == io::FileKind::kDirectory) {
      Collect(tree, inode, child, files);
      continue;
    }
    std::vector<uint8_t>& bytes = (*files)[child];
    bytes.resize(node.size);
    tree.Read(inode, 0, absl::MakeSpan(bytes));
  }
}

}  // namespace

SimulatedDisk::SimulatedDisk() : SimulatedDisk(DiskTree()) {}
SimulatedDisk::SimulatedDisk(DiskTree tree, int64_t start_ns)
    : core_(std::make_shared<DiskCore>(std::move(tree), start_ns)) {}
SimulatedDisk::~SimulatedDisk() = default;

absl::StatusOr<std::unique_ptr<io::File>> SimulatedDisk::Open(const std::string& path,
                                                              io::OpenMode mode,
                                                              const io::Ownership& ownership) {
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, core_->Open(path, mode, ownership));
  const bool writable = mode != io::OpenMode::kReadOnly && mode != io::OpenMode::kReadOnlyNoFollow;
  return std::make_unique<SimulatedFile>(core_, inode, path, writable);
}

absl::Status SimulatedDisk::CreateDirectory(const std::string& path,
                                            const io::Ownership& ownership) {
  return core_->CreateDirectory(path, ownership);
}
absl::Status SimulatedDisk::RemoveDirectory(const std::string& path) {
  return core_->Remove(path, io::FileKind::kDirectory);
}
absl::Status SimulatedDisk::Rename(const std::string& from, const std::string& to) {
  return core_->Rename(from, to, /*replace=*/true);
}
absl::Status SimulatedDisk::RenameIfAbsent(const std::string& from, const std::string& to) {
  return core_->Rename(from, to, /*replace=*/false);
}
absl::Status SimulatedDisk::Unlink(const std::string& path) {
  return core_->Remove(path, io::FileKind::kRegular);
}
absl::Status SimulatedDisk::SyncDirectory(const std::string& path) {
  return core_->SyncDirectory(path);
}
absl::StatusOr<std::vector<std::string>> SimulatedDisk::List(const std::string& path) {
  return core_->List(path);
}
absl::StatusOr<io::FileInfo> SimulatedDisk::Stat(const std::string& path) {
  return core_->Stat(path);
}
absl::StatusOr<std::unique_ptr<io::SharedMemory>> SimulatedDisk::MapShared(
    const std::string& path, io::OpenMode mode, uint64_t bytes, const io::Ownership& ownership) {
  STRATA_ASSIGN_OR_RETURN(const InodeNo inode, core_->Open(path, mode, ownership));
  return core_->Map(inode, bytes);
}
absl::StatusOr<bool> SimulatedDisk::IsNetwork(const std::string& path) {
  return core_->IsNetwork(path);
}

void SimulatedDisk::FailOperation(const InjectedFault& fault) {
  absl::MutexLock lock(&core_->mutex);
  core_->faults.Add(fault);
}
void SimulatedDisk::ClearFaults() {
  absl::MutexLock lock(&core_->mutex);
  core_->faults.Clear();
}
uint64_t SimulatedDisk::call_count() const {
  absl::MutexLock lock(&core_->mutex);
  return core_->faults.calls();
}
uint64_t SimulatedDisk::faults_fired() const {
  absl::MutexLock lock(&core_->mutex);
  return core_->faults.fired();
}
void SimulatedDisk::set_network(bool network) {
  absl::MutexLock lock(&core_->mutex);
  core_->network = network;
}
uint64_t SimulatedDisk::operation_count() const {
  absl::MutexLock lock(&core_->mutex);
  return core_->operations.size();
}
std::vector<OperationPtr> SimulatedDisk::Operations() const {
  absl::MutexLock lock(&core_->mutex);
  return core_->operations;
}

int64_t SimulatedDisk::now_ns() const {
  absl::MutexLock lock(&core_->mutex);
  return core_->NowNs();
}

DiskTree SimulatedDisk::InitialTree() const { return core_->ForkInitial(); }
DiskTree SimulatedDisk::CurrentTree() const { return core_->ForkLive(); }

std::map<std::string, std::vector<uint8_t>> SimulatedDisk::Files() const {
  const DiskTree tree = core_->ForkLive();
  std::map<std::string, std::vector<uint8_t>> files;
  Collect(tree, kRootInode, "", &files);
  return files;
}

}  // namespace strata::support
