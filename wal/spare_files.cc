#include "wal/spare_files.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/status_macros.h"

namespace strata::wal {

using segment::FrameNo;

namespace {

constexpr size_t kChunkBytes = 1 << 20;          // zeros written, and synced, at a time
constexpr uint64_t kFirstFileBytes = 256 << 10;  // grows as it is written: soon to be ended
constexpr uint64_t kFilesOfALog = 4;             // so many make a log that only grows
constexpr size_t kMostKept = 4;
constexpr uint64_t kEmptyFileBytes = 16 << 10;  // a header and marks
constexpr uint64_t kNotYet = std::numeric_limits<uint64_t>::max();

}  // namespace

// As large as what is used again, unless the log grows: a large one has few files.
uint64_t SpareFiles::NextBytes() const {
  const uint64_t log = state_.BytesOf(state_.index->tip().value() - state_.index->floor().value());
  return std::min(state_.options.segment_bytes,
                  std::max(state_.options.reuse_bytes, log / kFilesOfALog));
}

uint64_t SpareFiles::Limit() const {
  const uint64_t written_before = state_.current->written_before();
  if (written_before > 0) return std::min(written_before, state_.options.segment_bytes);
  return commits_wait_ ? std::min(kFirstFileBytes, NextBytes()) : NextBytes();
}

bool SpareFiles::IsFull(bool spare_is_there) const {
  state_.append_mutex.AssertHeld();
  const uint64_t end = state_.current->end_offset();
  return spare_is_there ? end >= Limit() : end >= 2 * state_.options.segment_bytes;
}

bool SpareFiles::IsWanted() const {
  return state_.spare == nullptr && state_.current != nullptr &&
         state_.current->end_offset() >= Limit() / 2;
}

void SpareFiles::NoteCommit(Durability durability) {
  state_.append_mutex.AssertHeld();
  commits_wait_ = commits_wait_ || durability == Durability::kFull;
  if (asked_for_ == state_.current->header().sequence || !IsWanted()) return;
  asked_for_ = state_.current->header().sequence;
  state_.spare_wanted.store(true, std::memory_order_relaxed);
}

segment::SegmentHeader SpareFiles::NextHeader(const std::vector<uint32_t>& past_seeds) {
  state_.append_mutex.AssertHeld();
  segment::SegmentHeader header;
  header.page_size = state_.identity.page_size;
  header.log_id = state_.identity.log_id;
  header.parent_log_id = state_.identity.parent_log_id;
  header.parent_frame = state_.identity.parent_frame;
  header.sequence = state_.shared.next_sequence.fetch_add(1);
  header.salt = NewSalt(state_.environment.random->Next64(), header.log_id, past_seeds);
  header.created_us = state_.environment.clock->NowMicros();
  return header;
}

absl::Status SpareFiles::Prepare() {
  uint64_t bytes = 0;
  {
    io::MutexLock lock(&state_.append_mutex);
    if (!IsWanted()) return absl::OkStatus();
    // What does not stay is not worth its zeros.
    const bool stays = NextBytes() <= state_.SizeLimit().value_or(NextBytes());
    if (commits_wait_ && stays) bytes = NextBytes();
  }
  std::optional<UsedFile> used = TakeKept();
  if (!used.has_value() && bytes > 0) {
    STRATA_ASSIGN_OR_RETURN(used, WriteThrough(bytes));
  }
  const absl::Status begun = Begin(used);
  // A process that took over from a dead one has removed it.
  if (absl::IsNotFound(begun)) return absl::OkStatus();
  if (!begun.ok() && used.has_value()) state_.environment.files->Unlink(used->path).IgnoreError();
  return begun;
}

// Of this process alone: the one that owned the log before may still be writing to its own.
std::string SpareFiles::WrittenThroughPath() const {
  return absl::StrCat(state_.directory, "/spare-", state_.attachment->slot(), kTemporarySuffix);
}

std::optional<UsedFile> SpareFiles::TakeKept() {
  io::MutexLock lock(&mutex_);
  // One that came before it was set aside may have it open.
  if (!state_.AloneInLog()) return std::nullopt;
  if (kept_.empty() || kept_.front().generation == kNotYet) return std::nullopt;
  if (state_.readers.AnyStartedBy(kept_.front().generation)) return std::nullopt;
  UsedFile used = std::move(kept_.front().file);
  kept_.pop_front();
  return used;
}

absl::StatusOr<UsedFile> SpareFiles::WriteThrough(uint64_t bytes) {
  io::FileSystem& files = *state_.environment.files;
  UsedFile used{WrittenThroughPath(), bytes, {}};
  const absl::Status removed = files.Unlink(used.path);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  STRATA_ASSIGN_OR_RETURN(auto file,
                          files.Open(used.path, io::OpenMode::kCreate, state_.ownership));
  const std::vector<uint8_t> zeros(std::min<uint64_t>(kChunkBytes, bytes));
  absl::Status status;
  for (uint64_t at = 0; at < bytes && status.ok(); at += zeros.size()) {
    const io::ByteView all(zeros);
    status = file->Write(at, all.first(std::min<uint64_t>(zeros.size(), bytes - at)));
    // A little at a time: commits have syncs to wait for.
    if (status.ok()) status = file->Sync();
  }
  if (status.ok()) return used;
  files.Unlink(used.path).IgnoreError();  // the space is wanted elsewhere
  return status;
}

absl::Status SpareFiles::Begin(const std::optional<UsedFile>& used) {
  io::FileSystem& files = *state_.environment.files;
  segment::SegmentHeader header;
  {
    io::MutexLock lock(&state_.append_mutex);
    header = NextHeader(used.has_value() ? used->past_seeds : std::vector<uint32_t>());
  }
  STRATA_ASSIGN_OR_RETURN(
      std::shared_ptr<CurrentSegment> spare,
      used.has_value() ? CurrentSegment::Reuse(files, state_.directory, header, *used)
                       : CurrentSegment::Create(files, state_.directory, header, state_.ownership));
  STRATA_RETURN_IF_ERROR(spare->Publish(files, state_.directory));
  io::MutexLock lock(&state_.append_mutex);
  const bool still_next = IsWanted() && state_.commits->owned() &&
                          state_.shared.next_sequence.load() == header.sequence + 1;
  if (still_next) state_.spare = std::move(spare);
  return still_next ? absl::OkStatus() : files.Unlink(spare->path());
}

absl::StatusOr<bool> SpareFiles::SetAside(const CurrentSegment& segment) {
  const std::string temporary = segment.path() + kTemporarySuffix;
  std::optional<UsedFile> used;
  {
    io::MutexLock lock(&state_.append_mutex);
    used = segment.Used(temporary);
    const uint64_t bytes = std::min(state_.options.reuse_bytes, state_.options.segment_bytes);
    const bool fits = used.has_value() && used->bytes >= bytes && used->bytes <= 4 * bytes;
    if (!fits || !state_.AloneInLog()) return false;
    const std::optional<uint64_t> limit = state_.SizeLimit();
    if (limit.has_value() && NewestBytes() + Bytes() + used->bytes > *limit) return false;
  }
  io::MutexLock lock(&mutex_);
  if (kept_.size() >= kMostKept) return false;
  kept_.push_back({*std::move(used), kNotYet});
  const absl::Status renamed = state_.environment.files->Rename(segment.path(), temporary);
  if (!renamed.ok()) kept_.pop_back();
  // Gone already, with a process that was killed while it removed old files.
  if (absl::IsNotFound(renamed)) return false;
  STRATA_RETURN_IF_ERROR(renamed);
  return true;
}

uint64_t SpareFiles::NewestBytes() const {
  const auto list = state_.files.list();
  return list->empty() ? 0 : list->back()->file_bytes();
}

// The smallest log there is has one file without a frame.
bool SpareFiles::AreTooLarge(uint64_t limit) {
  state_.append_mutex.AssertHeld();
  const uint64_t kept = Bytes();
  if (NewestBytes() + kept <= limit) return false;
  if (kept > 0) return true;
  const auto list = state_.files.list();
  return list->back()->first_frame() != FrameNo(0) || NewestBytes() > kEmptyFileBytes;
}

void SpareFiles::NoteSetAside() {
  const uint64_t generation = state_.readers.NextGeneration();
  io::MutexLock lock(&mutex_);
  for (Kept& kept : kept_) kept.generation = std::min(kept.generation, generation);
}

void SpareFiles::DropSpare() {
  state_.append_mutex.AssertHeld();
  if (state_.spare == nullptr) return;
  // Recovery removes it when this unlink is lost.
  state_.environment.files->Unlink(state_.spare->path()).IgnoreError();
  state_.spare = nullptr;
}

uint64_t SpareFiles::Bytes() {
  state_.append_mutex.AssertHeld();
  uint64_t bytes = state_.spare == nullptr ? 0 : state_.spare->file_bytes();
  io::MutexLock lock(&mutex_);
  for (const Kept& kept : kept_) bytes += kept.file.bytes;
  return bytes;
}

void SpareFiles::DropAll() {
  {
    io::MutexLock lock(&state_.append_mutex);
    DropSpare();
  }
  io::MutexLock lock(&mutex_);
  for (const Kept& kept : kept_) state_.environment.files->Unlink(kept.file.path).IgnoreError();
  kept_.clear();
}

}  // namespace strata::wal
