#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wal/log_state.h"

// The next log file, ready before the current one is full, so that no commit waits for it; and log
// files that are used again. A sync of bytes that were never written before costs ext4 a commit of
// its journal, so that commits that wait for their sync are given files that were. A file is kept
// by the process that made it, and used again only while that one is alone in the log.
namespace strata::wal {

class SpareFiles {
 public:
  explicit SpareFiles(LogState* state) : state_(*state) {}

  // The caller of IsFull, AreTooLarge, NoteCommit, NextHeader and DropSpare holds
  // LogState::append_mutex, that of SetAside and NoteSetAside LogState::maintenance.

  // Whether the current file is to be ended, given that a spare is there or not.
  bool IsFull(bool spare_is_there) const;

  // After a commit: remembers that commits wait for syncs, and asks for a spare when it is time.
  void NoteCommit(Durability durability);

  // In the background: has the next file ready. One call at a time.
  absl::Status Prepare();

  // In place of its unlink: keeps a file that is in no list any more. False when it is better
  // unlinked. The caller makes the directory durable before it gives up the maintenance lock.
  absl::StatusOr<bool> SetAside(const CurrentSegment& segment);
  // Then: those that were set aside may be used when every reader of the time has gone.
  void NoteSetAside();

  // Removes the spare, whose sequence number is below that of a file that is about to be created.
  void DropSpare();
  // Removes everything that this process keeps for later.
  void DropAll();

  // Whether what this process keeps for later and the newest log file take more than `limit` bytes
  // and could take less.
  bool AreTooLarge(uint64_t limit);

  // Of the next file; `past_seeds` as in UsedFile.
  segment::SegmentHeader NextHeader(const std::vector<uint32_t>& past_seeds = {});

 private:
  struct Kept {
    UsedFile file;
    uint64_t generation;  // of the readers that may still look at it
  };

  uint64_t NextBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  uint64_t Limit() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  uint64_t NewestBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  uint64_t Bytes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);  // kept for later
  bool IsWanted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.append_mutex);
  std::optional<UsedFile> TakeKept();
  std::string WrittenThroughPath() const;
  absl::StatusOr<UsedFile> WriteThrough(uint64_t bytes);
  absl::Status Begin(const std::optional<UsedFile>& used);

  LogState& state_;
  bool commits_wait_ ABSL_GUARDED_BY(state_.append_mutex) = false;
  uint64_t asked_for_ ABSL_GUARDED_BY(state_.append_mutex) = 0;  // sequence of the file that did
  io::Mutex mutex_;
  std::deque<Kept> kept_ ABSL_GUARDED_BY(mutex_);  // under temporary names
};

}  // namespace strata::wal
