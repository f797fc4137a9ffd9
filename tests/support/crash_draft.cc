#include "tests/support/crash_draft.h"

#include <algorithm>
#include <limits>
#include <map>

namespace strata::support {
namespace {

constexpr uint64_t kSectorSize = 512;
constexpr uint64_t kKeepRates[] = {1, 4, 7};  // of 8: mostly lost, even, mostly kept

}  // namespace

CrashDraft::CrashDraft(const CrashOptions& options, DiskTree image, const DiskTree* durable,
                       const DiskTree* full, FaultCounts* counts)
    : options_(options),
      image_(std::move(image)),
      durable_(durable),
      full_(full),
      counts_(counts),
      random_(options.seed),
      keep_in_8_(kKeepRates[random_.Next64() % 3]) {}

bool CrashDraft::Keep() {
  switch (options_.policy) {
    case CrashPolicy::kDropUnsynced:
      return false;
    case CrashPolicy::kKeepAll:
      return true;
    case CrashPolicy::kRandom:
      break;
  }
  return Chance(keep_in_8_);
}

// Each directory reaches the disk either as its journal would bring it, a prefix, or in any
// combination.
std::vector<bool> CrashDraft::ChooseNames(const std::vector<OperationPtr>& names) {
  struct Prefix {
    bool ordered;
    bool ended = false;
  };
  std::map<InodeNo, Prefix> prefixes;
  std::vector<bool> kept(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    auto [prefix, added] = prefixes.try_emplace(names[i]->directory, Prefix{false});
    if (added) prefix->second.ordered = Chance(4);
    kept[i] = Keep() && !(prefix->second.ordered && prefix->second.ended);
    prefix->second.ended |= !kept[i];
  }
  return kept;
}

void CrashDraft::ApplyNames(const std::vector<OperationPtr>& names) {
  const std::vector<bool> kept = ChooseNames(names);
  std::vector<bool> applied(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (kept[i]) ApplyName(names, i, applied, image_);
  }
  CountNames(names, applied);
}

void CrashDraft::CountNames(const std::vector<OperationPtr>& names,
                            const std::vector<bool>& applied) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (applied[i]) continue;
    const DiskOperation& lost = *names[i];
    const DiskNode& here = *image_.Find(lost.inode);
    const DiskNode& there = *full_->Find(lost.inode);
    const bool same_place = here.parent == there.parent && here.name == there.name;
    if (same_place) continue;
    switch (lost.kind) {
      case OperationKind::kCreate:
      case OperationKind::kMakeDirectory:
        counts_->lost_create += here.parent == kNoInode;
        break;
      case OperationKind::kRename:
        counts_->lost_rename += there.parent == lost.directory && there.name == lost.name;
        break;
      default:
        counts_->lost_unlink += there.parent == kNoInode;
        break;
    }
  }
}

void CrashDraft::ApplyData(const PendingFile& file) {
  for (const OperationPtr& write : file.abandoned) ApplyAbandoned(write);
  for (const OperationPtr& operation : file.dirty) {
    if (operation->kind == OperationKind::kTruncate) {
      ApplyTruncate(*operation);
    } else {
      ApplyWrite(file, operation);
    }
  }
  if (options_.policy != CrashPolicy::kRandom) return;
  if (options_.damage != DamageModel::kNoPowerSafeOverwrite) return;
  for (const OperationPtr& operation : file.dirty) {
    if (operation->kind == OperationKind::kWrite) MaybeDamageBlock(*operation);
  }
}

// The failed writeback may have brought some blocks to the disk, or none.
void CrashDraft::ApplyAbandoned(const OperationPtr& write) {
  bool kept_any = false;
  if (options_.policy == CrashPolicy::kRandom) {
    const bool some = Chance(4);
    ForEachPiece(*write, kBlockSize, [&](uint64_t offset, uint64_t length) {
      if (!some || !Chance(4)) return;
      image_.Write(write->inode, offset, PieceOf(*write, offset, length));
      kept_any = true;
    });
    MaybeExtend(*write);
  }
  writes_.push_back({write, Outcome::kLost, kept_any, /*stuck_any=*/true});
}

void CrashDraft::ApplyTruncate(const DiskOperation& truncate) {
  if (Keep()) {
    image_.Apply(truncate);
  } else {
    lost_truncates_.push_back(truncate.inode);
  }
}

CrashDraft::Outcome CrashDraft::ChooseOutcome() {
  if (Keep()) return Outcome::kKept;
  if (options_.policy != CrashPolicy::kRandom) return Outcome::kLost;
  switch (random_.Next64() % 5) {
    case 0:
      return Outcome::kTorn512;
    case 1:
      return Outcome::kTorn4096;
    case 2:
      return Outcome::kGarbage;
    default:
      return Outcome::kLost;
  }
}

void CrashDraft::ApplyWrite(const PendingFile& file, const OperationPtr& write) {
  const Outcome outcome = ChooseOutcome();
  WriteRecord record{write, outcome, false, false};
  if (outcome == Outcome::kKept && file.stuck.empty()) {
    image_.Apply(*write);
    record.kept_any = true;
  } else if (outcome != Outcome::kLost || !file.stuck.empty()) {
    const uint64_t unit = outcome == Outcome::kTorn4096 ? kBlockSize : kSectorSize;
    ForEachPiece(*write, unit, [&](uint64_t offset, uint64_t length) {
      if (file.stuck.contains(offset / kBlockSize)) {
        record.stuck_any = true;
      } else {
        record.kept_any |= ApplyPiece(*write, outcome, offset, length);
      }
    });
  }
  if (options_.policy == CrashPolicy::kRandom && outcome != Outcome::kKept) MaybeExtend(*write);
  writes_.push_back(std::move(record));
}

// True when the bytes of the write are in place.
bool CrashDraft::ApplyPiece(const DiskOperation& write, Outcome outcome, uint64_t offset,
                            uint64_t length) {
  if (outcome == Outcome::kLost) return false;
  if (outcome == Outcome::kGarbage && Chance(4)) {
    image_.Write(write.inode, offset, Garbage(length));
    return false;
  }
  if (outcome != Outcome::kKept && Chance(4)) return false;
  image_.Write(write.inode, offset, PieceOf(write, offset, length));
  return true;
}

// The new length of a file can reach the disk without the bytes that made it longer.
void CrashDraft::MaybeExtend(const DiskOperation& write) {
  const uint64_t end = write.offset + write.bytes.size();
  if (end > image_.Find(write.inode)->size && Chance(4)) image_.Resize(write.inode, end);
}

std::vector<uint8_t> CrashDraft::Garbage(uint64_t length) {
  std::vector<uint8_t> bytes(length);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_.Next64());
  return bytes;
}

void CrashDraft::MaybeDamageBlock(const DiskOperation& write) {
  if (!Chance(2)) return;
  const uint64_t first = write.offset / kBlockSize;
  const uint64_t last = (write.offset + write.bytes.size() - 1) / kBlockSize;
  const uint64_t start = (first + random_.Next64() % (last - first + 1)) * kBlockSize;
  const uint64_t size = image_.Find(write.inode)->size;
  if (start >= size) return;
  const uint64_t length = std::min(kBlockSize, size - start);
  image_.Write(write.inode, start, Chance(4) ? Garbage(length) : std::vector<uint8_t>(length));
  counts_->block_damage += !image_.SameBytes(*full_, write.inode, start, length);
}

bool CrashDraft::Differs(const DiskOperation& write, const DiskTree& from) const {
  return !image_.SameBytes(from, write.inode, write.offset, write.bytes.size());
}

void CrashDraft::CountWrite(const WriteRecord& record, uint64_t* first_lost) {
  const bool differs = Differs(*record.operation, *full_);
  if (record.stuck_any && differs) ++counts_->failed_sync_loss;
  if (record.outcome == Outcome::kKept || record.stuck_any || !differs) return;
  *first_lost = std::min(*first_lost, record.operation->sequence);
  if (record.outcome == Outcome::kGarbage) {
    ++counts_->garbage;
  } else if (!record.kept_any) {
    ++counts_->lost_write;
  } else if (record.outcome == Outcome::kTorn512) {
    ++counts_->torn_write_512;
  } else {
    ++counts_->torn_write_4096;
  }
}

DiskTree CrashDraft::Finish() {
  ++counts_->images;
  uint64_t first_lost = std::numeric_limits<uint64_t>::max();
  for (const WriteRecord& record : writes_) CountWrite(record, &first_lost);
  for (const WriteRecord& record : writes_) {
    const bool later = record.operation->sequence > first_lost;
    if (later && record.kept_any) counts_->reordered += Differs(*record.operation, *durable_);
  }
  for (const InodeNo inode : lost_truncates_) {
    counts_->lost_truncate += image_.Find(inode)->size != full_->Find(inode)->size;
  }
  return std::move(image_);
}

}  // namespace strata::support
