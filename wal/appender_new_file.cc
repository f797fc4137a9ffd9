#include <algorithm>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "io/status_macros.h"
#include "wal/appender.h"
#include "wal/rewrite.h"

// How the log goes on in a new file: when a sync failed, when recovery or the death of another
// process leaves frames of unknown durability, and when a log that stopped takes writes again.
namespace strata::wal {

using segment::FrameNo;
using segment::PageNo;

absl::Status Appender::MoveFrom(const std::shared_ptr<CurrentSegment>& failed,
                                const absl::Status& why) {
  if (state_.commits->failed()) return why;
  state_.environment.logger->Log(
      io::Severity::kError,
      absl::StrCat(why.message(), "; writing what is not durable to a new file"));
  const absl::Status replaced = Replace(failed);
  CountUnsynced();
  if (replaced.ok()) return absl::OkStatus();
  return absl::Status(why.code(),
                      absl::StrCat(why.message(), "; and to a new file: ", replaced.message()));
}

absl::Status Appender::GoOnInNewFile(const std::function<absl::Status(CurrentSegment*)>& write) {
  io::FileSystem& files = *state_.environment.files;
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<CurrentSegment> next, CreateFile(spares_.NextHeader()));
  absl::Status written = write(next.get());
  if (written.ok()) written = Pad(*next);
  if (written.ok()) written = next->Publish(files, state_.directory);
  if (!written.ok()) {
    files.Unlink(absl::StrCat(next->path(), kTemporarySuffix)).IgnoreError();
    return written;
  }
  state_.files.Add(next);
  state_.current = std::move(next);
  return absl::OkStatus();
}

absl::Status Appender::Replace(const std::shared_ptr<CurrentSegment>& failed) {
  STRATA_ASSIGN_OR_RETURN(const FrameNo good, LastGoodCommit(*failed));
  spares_.DropSpare();
  const auto list = state_.files.list();
  const CurrentSegment* current =
      state_.current.get();  // nullptr between files: then nothing is open
  const FrameNo committed = state_.commits->appended().frame;
  const auto source = [&](FrameNo frame) {
    return (frame > committed ? current : LogFiles::Find(*list, frame))->IntendedRecord(frame);
  };
  const FrameNo last(committed.value() + (current == nullptr ? 0 : current->open_frames()));
  STRATA_RETURN_IF_ERROR(GoOnInNewFile([&](CurrentSegment* next) {
    state_.append_mutex.AssertHeld();
    // Also what the failed file said of the progress: log files may be removed on the strength of
    // it.
    STRATA_RETURN_IF_ERROR(
        next->AppendMark(good, std::min(good, state_.commits->synced()), Progressed()));
    if (committed > good)
      STRATA_RETURN_IF_ERROR(RewriteFrames(source, good.next(), committed, next));
    STRATA_RETURN_IF_ERROR(Pad(*next));
    if (last == committed) return absl::OkStatus();
    return RewriteFrames(source, committed.next(), last, next);
  }));
  for (const std::shared_ptr<CurrentSegment>& segment : *list) segment->MoveAway();
  PublishNewFile();
  return absl::OkStatus();
}

// Other processes find the frames of a file whose sync failed here. Where exactly it ends is told
// with the next commit, or when another process takes over.
void Appender::PublishNewFile() { state_.commits->NoteMoved(state_.current->header().sequence); }

// The last commit that the failed sync left in no doubt: below it in its file, or in an older one.
absl::StatusOr<FrameNo> Appender::LastGoodCommit(const CurrentSegment& failed) {
  if (failed.first_frame() != FrameNo(0))
    return LastCommitBelow(failed, failed.FirstDoubtfulByte());
  FrameNo good = state_.commits->appended().frame;
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& segment : *list) {
    const bool newer = segment->header().sequence > failed.header().sequence &&
                       segment->first_frame() != FrameNo(0);
    if (newer) good = std::min(good, segment->first_frame().previous());
  }
  return good;
}

absl::Status Appender::RewriteRecovered(FrameNo from, FrameNo to) {
  io::MutexLock lock(&state_.append_mutex);
  const auto list = state_.files.list();
  return GoOnInNewFile([&](CurrentSegment* next) {
    state_.append_mutex.AssertHeld();
    STRATA_RETURN_IF_ERROR(next->AppendMark(from, from, Progressed()));
    return RewriteFrames(SourceIn(*list), from.next(), to, next);
  });
}

// What the failed syncs leave in no doubt, of what readers may see.
absl::StatusOr<FrameNo> Appender::LastDurableCommit(FrameNo visible) {
  const FrameNo floor = state_.index->floor();
  FrameNo good = std::min(visible, std::max(floor, state_.commits->synced()));
  const auto list = state_.files.list();
  for (const std::shared_ptr<CurrentSegment>& segment : *list) {
    if (!segment->needs_sync() || segment->first_frame() == FrameNo(0)) continue;
    STRATA_ASSIGN_OR_RETURN(const FrameNo below,
                            LastCommitBelow(*segment, segment->FirstDoubtfulByte()));
    good = std::min(good, below);
  }
  return std::max(good, floor);
}

// The commits that were given up keep their numbers, as indexes hold them, in this process and in
// others. Their pages come once more on top, and page 1: no snapshot of theirs is taken for the
// present one, and what a page cache has of them has changed since.
std::vector<PageNo> Appender::GivenUpPages(FrameNo visible) const {
  std::vector<PageNo> pages;
  for (FrameNo frame = visible.next(); frame <= state_.index->tip(); frame = frame.next())
    pages.push_back(state_.index->PageOf(frame));
  if (pages.empty()) return pages;
  absl::btree_set<PageNo> once(pages.begin(), pages.end());
  once.insert(PageNo(1));
  pages.insert(pages.end(), once.begin(), once.end());
  return pages;
}

absl::Status Appender::Revive(const PageSource& visible_pages) {
  io::MutexLock lock(&state_.append_mutex);
  const CommitPoint visible = state_.commits->visible();
  CommitPoint end = visible;
  end.time_us = state_.commits->appended().time_us;
  STRATA_ASSIGN_OR_RETURN(const FrameNo good, LastDurableCommit(visible.frame));
  const std::vector<PageNo> given_up = GivenUpPages(visible.frame);
  end.frame = FrameNo(visible.frame.value() + given_up.size());
  spares_.DropSpare();
  const uint64_t new_frames = end.frame.value() - state_.index->tip().value();
  state_.index->Reserve(new_frames);
  const auto list = state_.files.list();
  STRATA_RETURN_IF_ERROR(GoOnInNewFile([&](CurrentSegment* next) {
    state_.append_mutex.AssertHeld();
    STRATA_RETURN_IF_ERROR(next->AppendMark(good, good, Progressed()));
    if (visible.frame > good)
      STRATA_RETURN_IF_ERROR(RewriteFrames(SourceIn(*list), good.next(), visible.frame, next));
    if (given_up.empty()) return absl::OkStatus();
    const CommitMark mark{end.database_pages, end.time_us, good};
    return WritePages(visible_pages, visible.frame.next(), given_up, mark, next);
  }));
  for (const std::shared_ptr<CurrentSegment>& segment : *list) segment->MoveAway();
  for (PageNo page : absl::MakeSpan(given_up).last(new_frames)) state_.index->Append(page);
  state_.readers.Retire(state_.index->TakeRetired());
  state_.unsynced_since_us.store(0, std::memory_order_relaxed);
  CountUnsynced();
  state_.commits->Revive({end, state_.current->header().sequence, state_.current->end_offset()});
  return absl::OkStatus();
}

}  // namespace strata::wal
