#include "wal/log_follower.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/file_stream.h"
#include "io/status_macros.h"
#include "segment/record_scanner.h"
#include "wal/recovery.h"
#include "wal/recovery_scan.h"
#include "wal/transaction_reader.h"

namespace strata::wal {

using segment::FrameNo;

namespace {

constexpr int kTries = 20;  // files come and go while they are followed

// The bytes of a log file that is being written, up to `bound`.
class TailSource : public io::ByteSource {
 public:
  TailSource(io::File* file, uint64_t bound) : file_(*file), bound_(bound) {}
  uint64_t size() const override { return bound_; }
  const std::string& name() const override { return file_.path(); }
  absl::Status ReadAt(uint64_t offset, io::MutableBytes out) override {
    STRATA_ASSIGN_OR_RETURN(const size_t read, file_.ReadAt(offset, out));
    if (read == out.size()) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrCat(name(), ": ends at ", offset + read, ", expected ", offset + out.size()));
  }

 private:
  io::File& file_;
  const uint64_t bound_;
};

absl::StatusOr<uint64_t> BoundOf(const CurrentSegment& file, const LogPosition& to) {
  if (file.header().sequence == to.sequence && to.end_offset != 0) return to.end_offset;
  return file.file().Size();
}

// The first frame of a file, 0 when it has none below `bound`.
absl::StatusOr<FrameNo> FirstFrameOf(const CurrentSegment& file, uint64_t bound) {
  if (file.first_frame() != FrameNo(0)) return file.first_frame();
  TailSource source(&file.file(), bound);
  segment::RecordScanner scanner(&source, file.seed());
  for (;;) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<segment::ScannedRecord> record, scanner.Next());
    if (!record.has_value()) return FrameNo(0);
    if (record->header.kind == segment::RecordKind::kFrame) return record->header.frame;
  }
}

}  // namespace

absl::Status LogFollower::CatchUp() {
  absl::Status status;
  for (int tries = 0; tries < kTries; ++tries) {
    io::MutexLock lock(&state_.append_mutex);
    status = TryCatchUp();
    if (status.ok()) return status;
  }
  return status;
}

absl::Status LogFollower::LearnIdentity() {
  const uint32_t version = state_.shared.has_identity.load(std::memory_order_acquire);
  if (version == state_.identity_version.load(std::memory_order_relaxed)) return absl::OkStatus();
  STRATA_ASSIGN_OR_RETURN(
      Identity identity,
      ReadIdentity(*state_.environment.files, absl::StrCat(state_.directory, "/", kIdentityName)));
  if (state_.identity_version.load(std::memory_order_relaxed) == 0) {
    state_.identity = std::move(identity);
  } else {
    // The rest stays, and others read it. Without the nonces this process would take the claim for
    // another writer's.
    state_.identity.epoch = identity.epoch;
    state_.identity.writer_nonce = identity.writer_nonce;
    state_.identity.next_nonce = identity.next_nonce;
  }
  state_.identity_version.store(version, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status LogFollower::TryCatchUp() {
  const LogPosition to = state_.commits->position();
  STRATA_RETURN_IF_ERROR(LearnIdentity());
  // A reader looks for frames first and for their files then: in this order, what it finds is
  // there.
  const uint64_t removed_below = state_.shared.removed_below.load(std::memory_order_acquire);
  RaiseFloor();
  DropRemovedFiles(removed_below);
  const auto list = state_.files.list();
  const uint64_t newest = list->empty() ? 0 : list->back()->header().sequence;
  absl::Status status;
  if (newest < to.sequence) status = OpenNewFiles(to.sequence);
  const bool behind = !Has(to.commit.frame) || followed_ < to.sequence;
  if (status.ok() && behind && !state_.commits->owned()) status = FollowFiles(to);
  state_.readers.Retire(state_.index->TakeRetired());
  if (!status.ok() || Has(to.commit.frame)) return status;
  return absl::DataLossError(absl::StrCat(state_.directory, ": frames after ",
                                          state_.index->tip().value(), " are in no file, up to ",
                                          to.commit.frame.value(), " were committed"));
}

void LogFollower::DropRemovedFiles(uint64_t below) {
  ReaderRegistry::Garbage garbage;
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& file : *list) {
    if (file->header().sequence >= below) break;
    garbage.emplace_back(0, file);
    state_.files.Remove(file.get());
  }
  state_.readers.Retire(std::move(garbage));
}

// No reader of this process can be below a checkpoint.
void LogFollower::RaiseFloor() {
  state_.RefreshProgress();
  const FrameNo floor = state_.progress.checkpointed.frame;
  if (floor <= state_.index->floor()) return;
  if (state_.index->tip() < floor) {
    state_.index->RestartAt(floor);
    followed_ =
        0;  // what the index skips, the files need not: who appends to one knows where it ends
  } else {
    state_.index->RaiseFloor(floor);
  }
}

absl::Status LogFollower::OpenNewFiles(uint64_t up_to) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                          state_.environment.files->List(state_.directory));
  const auto list = state_.files.list();
  const uint64_t known = list->empty() ? 0 : list->back()->header().sequence;
  for (const std::string& name : names) {  // sorted, and so are their numbers
    const uint64_t sequence = ParseSegmentFileName(name);
    if (sequence <= known || sequence > up_to) continue;
    const absl::Status opened = OpenFile(sequence);
    if (!absl::IsNotFound(opened)) STRATA_RETURN_IF_ERROR(opened);  // removed meanwhile
  }
  return absl::OkStatus();
}

absl::Status LogFollower::OpenFile(uint64_t sequence) {
  const std::string path = absl::StrCat(state_.directory, "/", SegmentFileName(sequence));
  STRATA_ASSIGN_OR_RETURN(
      auto file, state_.environment.files->Open(
                     path, read_only_ ? io::OpenMode::kReadOnly : io::OpenMode::kReadWrite));
  STRATA_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  TailSource source(file.get(), size);
  STRATA_ASSIGN_OR_RETURN(const segment::SegmentHeader header,
                          ReadLogFileHeader(source, sequence, state_.identity));
  state_.files.Add(CurrentSegment::Recovered(std::move(file), header, {}, FrameNo(0),
                                             segment::kSegmentHeaderSize));
  return absl::OkStatus();
}

// A file's first frame ends every older one before it.
absl::Status LogFollower::FollowFiles(const LogPosition& to) {
  const auto list = state_.files.list();
  std::vector<FrameNo> limits(list->size());
  std::vector<uint64_t> bounds(list->size());
  FrameNo limit = to.commit.frame;
  for (size_t i = list->size(); i-- > 0 && (*list)[i]->header().sequence >= followed_;) {
    limits[i] = limit;
    STRATA_ASSIGN_OR_RETURN(bounds[i], BoundOf(*(*list)[i], to));
    STRATA_ASSIGN_OR_RETURN(const FrameNo first, FirstFrameOf(*(*list)[i], bounds[i]));
    if (first != FrameNo(0)) limit = std::min(limit, first.previous());
  }
  for (size_t i = 0; i < list->size(); ++i) {
    CurrentSegment& file = *(*list)[i];
    if (file.header().sequence < followed_ || file.last_commit() >= limits[i]) continue;
    STRATA_RETURN_IF_ERROR(FollowFile(file, limits[i], bounds[i]));
  }
  if (!list->empty() && Has(to.commit.frame)) followed_ = list->back()->header().sequence;
  return absl::OkStatus();
}

absl::Status LogFollower::FollowFile(CurrentSegment& file, FrameNo limit, uint64_t bound) {
  if (bound <= file.end_offset()) return absl::OkStatus();
  TailSource source(&file.file(), bound);
  segment::RecordScanner scanner(&source, file.seed(), file.end_offset());
  TransactionReader reader(
      &scanner, file.header().page_size,
      file.first_frame() == FrameNo(0) ? FrameNo(0) : file.last_commit().next());
  for (;;) {
    STRATA_ASSIGN_OR_RETURN(const std::optional<ReadTransaction> transaction, reader.Next(limit));
    if (!transaction.has_value()) return absl::OkStatus();
    const FrameNo tip = state_.index->tip();
    if (transaction->first > tip.next()) return absl::OkStatus();  // a gap: found at the end
    state_.index->Reserve(transaction->pages.size());  // then nothing is in the list alone
    file.Follow(transaction->runs, transaction->last, transaction->end_offset);
    for (uint64_t i = 0; i < transaction->pages.size(); ++i) {
      if (transaction->first.value() + i > tip.value()) state_.index->Append(transaction->pages[i]);
    }
  }
}

}  // namespace strata::wal
