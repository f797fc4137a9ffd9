#include "wal/appender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;

namespace {
constexpr uint64_t kMostUnwritten = 1 << 20;  // bytes
}

absl::Status Appender::BeginTransaction() {
  io::MutexLock lock(&state_.append_mutex);
  if (state_.current == nullptr || spares_.IsFull(state_.spare != nullptr)) {
    STRATA_RETURN_IF_ERROR(StartFile());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<CurrentSegment>> Appender::CreateFile(
    const segment::SegmentHeader& header) {
  return CurrentSegment::Create(*state_.environment.files, state_.directory, header,
                                state_.ownership);
}

absl::Status Appender::StartFile() {
  if (state_.current != nullptr) STRATA_RETURN_IF_ERROR(state_.current->WriteUnwritten());
  std::shared_ptr<CurrentSegment> next = std::exchange(state_.spare, nullptr);
  if (next == nullptr) {
    STRATA_ASSIGN_OR_RETURN(next, CreateFile(spares_.NextHeader()));
    STRATA_RETURN_IF_ERROR(next->Publish(*state_.environment.files, state_.directory));
  }
  state_.files.Add(next);
  state_.current = std::move(next);
  return absl::OkStatus();
}

void Appender::CloseCurrent() {
  io::MutexLock lock(&state_.append_mutex);
  state_.current = nullptr;
}

absl::Status Appender::Append(FrameNo first, absl::Span<const PageRef> pages) {
  io::MutexLock lock(&state_.append_mutex);
  // These frames may be overwritten, and must share no block with a commit.
  if (state_.current->open_frames() == 0) STRATA_RETURN_IF_ERROR(Pad(*state_.current));
  AddUnsynced(pages.size());
  return state_.current->AppendFrames(first, pages, nullptr);
}

absl::Status Appender::Overwrite(FrameNo frame, const PageRef& page) {
  io::MutexLock lock(&state_.append_mutex);
  AddUnsynced(1);
  return state_.current->OverwriteFrame(frame, page);
}

absl::StatusOr<segment::FrameHeader> Appender::ReadKept(FrameNo frame, io::MutableBytes page) {
  io::MutexLock lock(&state_.append_mutex);
  const CurrentSegment* current = state_.current.get();
  if (current == nullptr || current->first_frame() == FrameNo(0) || frame < current->first_frame())
    return absl::NotFoundError("");
  return current->ReadKept(frame, page);
}

absl::StatusOr<segment::FrameHeader> Appender::ReadOpen(FrameNo frame, io::MutableBytes page) {
  io::MutexLock lock(&state_.append_mutex);
  return state_.current->ReadOpenFrame(frame, page);
}

void Appender::Abandon(FrameNo last) {
  io::MutexLock lock(&state_.append_mutex);
  if (state_.current != nullptr) state_.current->Abandon(last);
}

absl::Status Appender::Commit(FrameNo first, absl::Span<const PageRef> pages,
                              absl::Span<const segment::PageNo> pages_before,
                              uint32_t database_pages, Durability durability) {
  const int64_t now = state_.environment.clock->NowMicros();
  io::MutexLock lock(&state_.append_mutex);
  if (state_.commits->failed()) return state_.commits->failure();
  const int64_t time_us = std::max(now, state_.commits->appended().time_us);
  const CommitMark mark{database_pages, time_us, state_.commits->synced()};
  // What is in the log cannot be taken back: nothing behind it needs memory.
  state_.index->Reserve(pages_before.size() + pages.size());
  state_.readers.Retire(state_.index->TakeRetired());
  state_.commits->Reserve();
  AddUnsynced(pages.size());
  const Placing placing = PlacingOf(pages.size(), durability);
  STRATA_RETURN_IF_ERROR(state_.current->AppendFrames(first, pages, &mark, placing));
  const FrameNo last(first.value() + pages.size() - 1);
  for (segment::PageNo page : pages_before) state_.index->Append(page);
  for (const PageRef& page : pages) state_.index->Append(page.page);
  state_.commits->Append({{last, database_pages, time_us},
                          state_.current->header().sequence,
                          state_.current->end_offset()},
                         durability, placing);
  spares_.NoteCommit(durability);
  const int64_t monotonic = state_.environment.clock->MonotonicMicros();
  state_.last_commit_us.store(monotonic, std::memory_order_relaxed);
  int64_t none = 0;
  if (durability == Durability::kNormal)
    state_.unsynced_since_us.compare_exchange_strong(none, monotonic);
  none = 0;
  state_.unsealed_since_us.compare_exchange_strong(none, monotonic);
  return absl::OkStatus();
}

// A commit that waits for its sync is written with it, where the file has the space already: a lack
// of it is then told while the transaction can be undone alone.
Placing Appender::PlacingOf(size_t frames, Durability durability) const {
  const CurrentSegment& current = *state_.current;
  const uint64_t bytes = frames * current.record_bytes();
  const bool waits = durability == Durability::kFull && current.open_frames() == 0 &&
                     current.end_offset() + bytes <= current.written_before() &&
                     current.unwritten_bytes() + bytes <= kMostUnwritten;
  return waits ? Placing::kWithSync : Placing::kNow;
}

absl::Status Appender::AppendMark() {
  io::MutexLock lock(&state_.append_mutex);
  if (state_.current == nullptr) return absl::OkStatus();
  return state_.current->AppendMark(state_.commits->appended().frame, state_.commits->synced(),
                                    Progressed());
}

segment::MarkRecord Appender::Progressed() {
  state_.RefreshProgress();
  segment::MarkRecord mark;
  mark.checkpointed = state_.progress.checkpointed.frame;
  mark.database_pages = state_.progress.checkpointed.database_pages;
  mark.commit_time_us = state_.progress.checkpointed.time_us;
  mark.sealed = state_.progress.sealed;
  mark.sealed_digest = state_.progress.sealed_digest;
  mark.shipped = state_.progress.shipped;
  return mark;
}

// What was synced shares no block with what is written later.
absl::Status Appender::Pad(CurrentSegment& segment, Placing placing) {
  return state_.options.pad_blocks ? segment.PadToBlock(placing) : absl::OkStatus();
}

absl::StatusOr<Appender::SyncWork> Appender::BeginSync(SyncHandle handle, LogPosition* end) {
  io::MutexLock lock(&state_.append_mutex);
  SyncWork work;
  const auto list = state_.files.list();
  if (handle == SyncHandle::kSecond) {
    for (const std::shared_ptr<CurrentSegment>& segment : *list) {
      if (segment->needs_sync() && !segment->OpenSecondHandle().ok())
        return absl::CancelledError("");
    }
  }
  if (state_.current != nullptr && state_.current->needs_sync())
    STRATA_RETURN_IF_ERROR(Pad(*state_.current, Placing::kWithSync));
  state_.unsynced_since_us.store(0, std::memory_order_relaxed);
  for (const std::shared_ptr<CurrentSegment>& segment : *list) {
    if (segment->needs_sync()) work.push_back({segment, segment->BeginSync()});
  }
  *end = EndLocked();
  return work;
}

absl::StatusOr<Appender::SyncWork> Appender::WriteAndBeginSync(SyncHandle handle) {
  io::MutexLock lock(&write_mutex_);
  LogPosition end;
  STRATA_ASSIGN_OR_RETURN(SyncWork work, BeginSync(handle, &end));
  for (const Syncing& each : work) STRATA_RETURN_IF_ERROR(WriteUnwritten(each));
  state_.commits->NoteWritten(end);
  return work;
}

absl::Status Appender::WriteUnwritten(const Syncing& what) {
  CurrentSegment& segment = *what.segment;
  absl::Status status;
  for (UnsyncedRecords::Parts parts;;) {
    {
      io::MutexLock lock(&state_.append_mutex);
      if (segment.moved_away()) return absl::OkStatus();
      if (!status.ok()) return MoveFrom(what.segment, status);
      if (!parts.empty()) segment.NoteWritten(parts);
      parts = segment.Unwritten(what.begun);
    }
    if (parts.empty()) return absl::OkStatus();
    status = segment.Write(parts);
  }
}

absl::Status Appender::Sync(SyncHandle handle) {
  STRATA_ASSIGN_OR_RETURN(const SyncWork work, WriteAndBeginSync(handle));
  for (const Syncing& each : work) {
    const absl::Status status = each.segment->Sync(handle);
    io::MutexLock lock(&state_.append_mutex);
    // The other sync may have failed meanwhile, and moved everything.
    if (!each.segment->moved_away()) {
      if (!status.ok()) return MoveFrom(each.segment, status);
      each.segment->FinishSync(each.begun);
    }
    CountUnsynced();
  }
  return absl::OkStatus();
}

LogPosition Appender::EndLocked() {
  LogPosition end{state_.commits->appended()};
  const auto list = state_.files.list();
  if (!list->empty()) end.sequence = list->back()->header().sequence;
  if (state_.current == nullptr) return end;
  end.sequence = state_.current->header().sequence;
  end.end_offset = state_.current->end_offset();
  return end;
}

LogPosition Appender::End() {
  io::MutexLock lock(&state_.append_mutex);
  return EndLocked();
}

LogPosition Appender::LetGo() {
  io::MutexLock lock(&state_.append_mutex);
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& segment : *list) {
    if (!segment->needs_sync()) continue;
    segment->WriteUnwritten().IgnoreError();  // there is none, unless the log has stopped
    segment->GiveUp();
  }
  return EndLocked();
}

absl::Status Appender::Resume(const LogPosition& end, FrameNo synced, bool others_wrote) {
  io::MutexLock lock(&state_.append_mutex);
  if (others_wrote) spares_.DropSpare();
  state_.current = nullptr;
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& segment : *list) {
    const bool is_current = end.end_offset != 0 && segment->header().sequence == end.sequence;
    segment->Resume(is_current ? end.end_offset : segment->end_offset(), synced, others_wrote);
    if (!is_current) continue;
    STRATA_ASSIGN_OR_RETURN(const uint64_t size, segment->file().Size());
    if (size > end.end_offset) segment->NoteWrittenBefore(size);
    state_.current = segment;
  }
  if (end.end_offset == 0 || state_.current != nullptr) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(state_.directory, "/", SegmentFileName(end.sequence),
                                          ": is not there, but the log ends in it"));
}

void Appender::AddUnsynced(size_t frames) {
  unsynced_bytes_.fetch_add(state_.BytesOf(frames), std::memory_order_relaxed);
}

void Appender::CountUnsynced() {
  uint64_t bytes = 0;
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& segment : *list) bytes += segment->unsynced_bytes();
  unsynced_bytes_.store(bytes, std::memory_order_relaxed);
}

void Appender::DropUnsyncedCopies() {
  io::MutexLock lock(&state_.append_mutex);
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& segment : *list) segment->DropUnsyncedCopies();
  CountUnsynced();
}

}  // namespace strata::wal
