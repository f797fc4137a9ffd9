#include "tests/support/crash_image.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/support/crash_draft.h"

namespace strata::support {
namespace {

constexpr int64_t kRestartNs = 60'000'000'000;  // a machine takes a while to come back

}  // namespace

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) {
  images += other.images;
  lost_write += other.lost_write;
  torn_write_512 += other.torn_write_512;
  torn_write_4096 += other.torn_write_4096;
  reordered += other.reordered;
  garbage += other.garbage;
  block_damage += other.block_damage;
  failed_sync_loss += other.failed_sync_loss;
  lost_truncate += other.lost_truncate;
  lost_create += other.lost_create;
  lost_rename += other.lost_rename;
  lost_unlink += other.lost_unlink;
  return *this;
}

std::string FaultCounts::ToString() const {
  return absl::StrCat("images ", images, ", lost writes ", lost_write, ", torn at 512 ",
                      torn_write_512, ", torn at 4096 ", torn_write_4096, ", reordered ", reordered,
                      ", garbage ", garbage, ", damaged blocks ", block_damage,
                      ", lost by a failed sync ", failed_sync_loss, ", lost truncates ",
                      lost_truncate, ", lost creates ", lost_create, ", lost renames ", lost_rename,
                      ", lost unlinks ", lost_unlink);
}

ImageBuilder::ImageBuilder(const SimulatedDisk& disk)
    : operations_(disk.Operations()),
      image_start_ns_(disk.now_ns() + kRestartNs),
      durable_(disk.InitialTree()),
      full_(durable_.Fork()) {}

void ImageBuilder::AdvanceTo(uint64_t operations) {
  const uint64_t end = std::min<uint64_t>(operations, operations_.size());
  for (; position_ < end; ++position_) Advance(operations_[position_]);
}

void ImageBuilder::Advance(const OperationPtr& operation) {
  full_.Apply(*operation);
  switch (operation->kind) {
    case OperationKind::kWrite:
    case OperationKind::kTruncate:
      files_[operation->inode].dirty.push_back(operation);
      return;
    case OperationKind::kSync:
    case OperationKind::kFailedSync: {
      const auto file = files_.find(operation->inode);
      if (file == files_.end()) return;
      if (operation->kind == OperationKind::kFailedSync) return AbandonFile(file->second);
      SyncFile(file->second, durable_);
      if (file->second.abandoned.empty()) files_.erase(file);
      return;
    }
    case OperationKind::kSyncDirectory:
      SyncNames(operation->directory, names_, durable_);
      return;
    case OperationKind::kCreate:
    case OperationKind::kMakeDirectory:
      durable_.AddNode(*operation);  // its bytes can be synced before its name is
      names_.push_back(operation);
      return;
    case OperationKind::kRename:
    case OperationKind::kUnlink:
    case OperationKind::kRemoveDirectory:
      names_.push_back(operation);
      return;
  }
}

std::unique_ptr<SimulatedDisk> ImageBuilder::Build(const CrashOptions& options,
                                                   FaultCounts* counts) {
  FaultCounts own;
  // Positions differ in their randomness too: the seed is spread by the generator's mixing.
  CrashOptions here = options;
  here.seed = io::SeededRandom(options.seed + (position_ << 32)).Next64();
  CrashDraft draft(here, durable_.Fork(), &durable_, &full_, &own);
  draft.ApplyNames(names_);
  for (const auto& [inode, file] : files_) {
    if (draft.Reaches(inode)) draft.ApplyData(file);
  }
  auto image = std::make_unique<SimulatedDisk>(draft.Finish(), image_start_ns_);
  if (counts != nullptr) *counts += own;
  return image;
}

bool ImageBuilder::HasPending() const { return !files_.empty() || !names_.empty(); }

std::string ImageBuilder::Where() const {
  return position_ == 0 ? "before the first operation" : Describe(*operations_[position_ - 1]);
}

std::unique_ptr<SimulatedDisk> CrashImage(const SimulatedDisk& disk, uint64_t operations,
                                          const CrashOptions& options, FaultCounts* counts) {
  ImageBuilder builder(disk);
  builder.AdvanceTo(operations);
  return builder.Build(options, counts);
}

}  // namespace strata::support
