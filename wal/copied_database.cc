#include "wal/copied_database.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "segment/digest.h"
#include "wal/page_ledger.h"

namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

namespace {

constexpr uint32_t kWholePageBytes = 4096;  // a kill may cut the write of a larger page

class CopyCheck {
 public:
  CopyCheck(const LogPlace& place, const LogState& state, const RecoveredLog& recovered)
      : place_(place),
        state_(state),
        recovered_(recovered),
        page_size_(recovered.identity.page_size),
        most_pages_(recovered.checkpointed.database_pages),
        fewest_pages_(recovered.untouched ? std::numeric_limits<uint32_t>::max() : most_pages_),
        page_(page_size_) {}

  absl::Status Run() {
    STRATA_ASSIGN_OR_RETURN(database_, place_.open_database());
    STRATA_ASSIGN_OR_RETURN(
        const auto ledger,
        ReadLedger(*state_.environment.files, absl::StrCat(state_.directory, "/", kLedgerName),
                   recovered_.identity.log_id));
    if (!recovered_.untouched) {
      STRATA_RETURN_IF_ERROR(CheckReach(ledger));
      STRATA_RETURN_IF_ERROR(ReadFrames());
      STRATA_RETURN_IF_ERROR(CheckLength());
    }
    if (!ledger.has_value()) return absl::OkStatus();
    for (const LedgerPage& page : ledger->pages) STRATA_RETURN_IF_ERROR(CheckPage(page));
    return absl::OkStatus();
  }

 private:
  absl::Status Refuse(const std::string& found) const {
    return absl::DataLossError(absl::StrCat(
        place_.database, ": a copy that does not belong to its log ", state_.directory, ": ", found,
        ". A database that is in use is copied with VACUUM INTO, the backup API or a store; "
        "'strata recover --accept-loss' puts these two together as they are"));
  }

  // The ledger is copied at another moment than the log files, too.
  absl::Status CheckReach(const std::optional<LedgerCheckpoint>& ledger) const {
    const FrameNo reach = ledger.has_value() ? ledger->to.frame : LogStart(recovered_.identity);
    const FrameNo checkpointed = recovered_.checkpointed.frame;
    if (checkpointed <= reach && reach <= recovered_.end.frame) return absl::OkStatus();
    return Refuse(absl::StrCat("its ledger tells of checkpoints up to frame ", reach.value(),
                               ", its log files of one up to frame ", checkpointed.value(),
                               " and of commits up to frame ", recovered_.end.frame.value()));
  }

  absl::Status ReadFrames() {
    const auto list = state_.files.list();
    frames_.reserve(recovered_.pages.size());
    FrameNo frame = recovered_.checkpointed.frame;
    for (const PageNo page : recovered_.pages) {
      frame = frame.next();
      STRATA_ASSIGN_OR_RETURN(const segment::FrameHeader header,
                              ReadLogFrame(*list, frame, absl::MakeSpan(page_)));
      if (header.is_commit) {
        most_pages_ = std::max(most_pages_, header.database_pages);
        fewest_pages_ = std::min(fewest_pages_, header.database_pages);
      }
      frames_.emplace_back(page, segment::PageHash(page, page_));
    }
    std::sort(frames_.begin(), frames_.end());
    return absl::OkStatus();
  }

  absl::Status CheckLength() const {
    STRATA_ASSIGN_OR_RETURN(const uint64_t bytes, database_->Size());
    if (bytes <= static_cast<uint64_t>(most_pages_) * page_size_) return absl::OkStatus();
    return Refuse(absl::StrCat("it has ", bytes, " bytes, and no commit in the log has more than ",
                               most_pages_, " pages of ", page_size_));
  }

  // What the last checkpoint wrote, or what one that was cut short wrote since.
  absl::Status CheckPage(const LedgerPage& known) {
    const auto at =
        std::lower_bound(frames_.begin(), frames_.end(), std::pair(known.page, uint64_t{0}));
    const bool in_log = at != frames_.end() && at->first == known.page;
    const bool cut_off = known.page.value() > fewest_pages_;
    if (cut_off || (in_log && page_size_ > kWholePageBytes)) return absl::OkStatus();
    std::fill(page_.begin(), page_.end(), 0);
    const uint64_t offset = static_cast<uint64_t>(known.page.value() - 1) * page_size_;
    STRATA_RETURN_IF_ERROR(database_->ReadAt(offset, absl::MakeSpan(page_)).status());
    const uint64_t hash = segment::PageHash(known.page, page_);
    if (hash == known.hash ||
        std::binary_search(frames_.begin(), frames_.end(), std::pair(known.page, hash)))
      return absl::OkStatus();
    return Refuse(absl::StrCat("its page ", known.page.value(), " at offset ", offset,
                               " is not what a checkpoint wrote there up to frame ",
                               recovered_.checkpointed.frame.value()));
  }

  const LogPlace& place_;
  const LogState& state_;
  const RecoveredLog& recovered_;
  const uint32_t page_size_;
  uint32_t most_pages_;    // of the checkpointed commit and those after it
  uint32_t fewest_pages_;  // the same: a checkpoint may have cut off what is behind
  std::vector<uint8_t> page_;
  std::unique_ptr<io::File> database_;
  std::vector<std::pair<PageNo, uint64_t>> frames_;  // above the checkpoint: page, hash
};

}  // namespace

std::optional<DatabaseFile> FileOf(const LogPlace& place, const Environment& environment) {
  const absl::StatusOr<io::FileInfo> info = environment.files->Stat(place.database);
  if (!info.ok()) return std::nullopt;
  return DatabaseFile{info->inode, info->born_ns};
}

bool IsCopied(const Identity& identity, const std::optional<DatabaseFile>& now) {
  const std::optional<DatabaseFile>& known = identity.database_file;
  if (!known.has_value() || !now.has_value()) return false;
  // Some file systems number their files anew at each mount.
  return known->born_ns != 0 && now->born_ns != 0 ? known->born_ns != now->born_ns
                                                  : known->inode != now->inode;
}

absl::Status CheckCopy(const LogPlace& place, const LogState& state,
                       const RecoveredLog& recovered) {
  return CopyCheck(place, state, recovered).Run();
}

}  // namespace strata::wal
