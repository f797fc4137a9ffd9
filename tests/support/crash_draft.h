#pragma once

#include <vector>

#include "io/random.h"
#include "tests/support/crash_image.h"
#include "tests/support/crash_pending.h"

namespace strata::support {

// One image in the making.
class CrashDraft {
 public:
  CrashDraft(const CrashOptions& options, DiskTree image, const DiskTree* durable,
             const DiskTree* full, FaultCounts* counts);

  // First the names: data of a file that nothing leads to is no damage.
  void ApplyNames(const std::vector<OperationPtr>& names);
  bool Reaches(InodeNo inode) const { return image_.IsReachable(inode); }
  void ApplyData(const PendingFile& file);

  // Counts what the damage changed, and hands out the image.
  DiskTree Finish();

 private:
  enum class Outcome { kKept, kLost, kTorn512, kTorn4096, kGarbage };
  struct WriteRecord {
    OperationPtr operation;
    Outcome outcome;
    bool kept_any;
    bool stuck_any;  // a part lies in blocks that a failed sync gave up
  };

  bool Chance(uint64_t in_8) { return random_.Next64() % 8 < in_8; }
  bool Keep();
  Outcome ChooseOutcome();
  std::vector<bool> ChooseNames(const std::vector<OperationPtr>& names);
  void CountNames(const std::vector<OperationPtr>& names, const std::vector<bool>& applied);
  void ApplyAbandoned(const OperationPtr& write);
  void ApplyTruncate(const DiskOperation& truncate);
  void ApplyWrite(const PendingFile& file, const OperationPtr& write);
  bool ApplyPiece(const DiskOperation& write, Outcome outcome, uint64_t offset, uint64_t length);
  void MaybeExtend(const DiskOperation& write);
  void MaybeDamageBlock(const DiskOperation& write);
  std::vector<uint8_t> Garbage(uint64_t length);
  bool Differs(const DiskOperation& write, const DiskTree& from) const;
  void CountWrite(const WriteRecord& record, uint64_t* first_lost);

  const CrashOptions options_;
  DiskTree image_;
  const DiskTree* const durable_;
  const DiskTree* const full_;
  FaultCounts* const counts_;
  io::SeededRandom random_;
  const uint64_t keep_in_8_;
  std::vector<WriteRecord> writes_;
  std::vector<InodeNo> lost_truncates_;
};

}  // namespace strata::support
