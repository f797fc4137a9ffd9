#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "io/file.h"
#include "io/mutex.h"
#include "io/object_store.h"
#include "segment/frame.h"
#include "wal/attachment.h"
#include "wal/commit_queue.h"
#include "wal/frame_index.h"
#include "wal/identity.h"
#include "wal/log_files.h"
#include "wal/options.h"
#include "wal/reader_registry.h"
#include "wal/write_lock.h"

namespace strata::wal {

// What is known of the log's progress towards the database file and the store; written to mark
// records.
struct Progress {
  CommitPoint checkpointed;  // durable in the database file up to here
  segment::FrameNo sealed;   // newest frame whose digest is known
  uint64_t sealed_digest = 0;
  segment::FrameNo shipped;  // in the store up to here
};

// The parts of one log, shared by those that work on it (Appender, Checkpointer, Sealer,
// connections). Order of locks: write_lock, maintenance, append_mutex, the parts' own.
struct LogState {
  LogState(const Environment& environment, const Options& options, std::string directory,
           std::unique_ptr<Attachment> attachment)
      : environment(environment),
        options(options),
        directory(std::move(directory)),
        attachment(std::move(attachment)),
        shared(this->attachment->shared()),
        write_lock(environment.clock, options.barge_us),
        readers(&this->attachment->memory(), this->attachment->slot(),
                [this](uint32_t process) { return this->attachment->IsAlive(process); }) {}

  const Environment environment;
  const Options options;
  const std::string directory;  // "app.db-wal"
  io::Ownership ownership;      // of the database file

  const std::unique_ptr<Attachment> attachment;
  SharedLog& shared;  // with all processes that have the log open

  // Set before the first frame is appended or followed, under append_mutex; then only its epoch and
  // nonces change, when a shipper claims one: under MaintenanceLock and append_mutex.
  Identity identity;
  std::atomic<uint32_t> identity_version{0};  // that of shared.has_identity which `identity` is;
                                              // 0: the log has none yet

  io::ObjectStore* store = nullptr;  // set before the log is used; nullptr: none

  WriteLock write_lock;
  io::Mutex maintenance;  // with MaintenanceLock: one checkpoint, seal or clean-up at a time
  std::atomic<std::thread::id> maintainer;  // who holds it, to know a call from out of its own work
  io::Mutex append_mutex;

  ReaderRegistry readers;
  LogFiles files;
  std::unique_ptr<FrameIndex> index;  // changed under append_mutex
  std::unique_ptr<CommitQueue> commits;
  Progress progress ABSL_GUARDED_BY(append_mutex);
  std::shared_ptr<CurrentSegment> current
      ABSL_GUARDED_BY(append_mutex);  // nullptr before the first frame
  std::shared_ptr<CurrentSegment> spare ABSL_GUARDED_BY(append_mutex);  // the next one, or nullptr

  std::atomic<bool> spare_wanted{false};  // a commit asks the background for it

  // For the background: when the last commit was appended, and the first one that is not synced or
  // sealed yet (monotonic microseconds; 0: none).
  std::atomic<int64_t> last_commit_us{0};
  std::atomic<int64_t> unsynced_since_us{0};
  std::atomic<int64_t> unsealed_since_us{0};

  // When what is under way to the store is given up (monotonic microseconds): a close sets it.
  std::atomic<int64_t> give_up_at_us{INT64_MAX};
  // Unavailable when that moment has passed. Asked for each page by whatever may take long on its
  // way to the store, so that no close waits for it. Any thread.
  absl::Status CheckMayShip() const;

  // True when no other process has the log open, nor had it when it was killed unnoticed. One may
  // come at any time, and reads what it finds: log files above the checkpoint must stand whenever
  // that happens.
  bool AloneInLog() const { return shared.attached.load(std::memory_order_relaxed) <= 1; }

  // PRAGMA journal_size_limit, as the last connection that set it said, in whatever process.
  void SetSizeLimit(std::optional<uint64_t> bytes) {
    shared.size_limit.store(bytes.has_value() ? *bytes + 1 : 0, std::memory_order_relaxed);
  }
  std::optional<uint64_t> SizeLimit() const {
    const uint64_t stored = shared.size_limit.load(std::memory_order_relaxed);
    return stored == 0 ? std::nullopt : std::optional<uint64_t>(stored - 1);
  }

  // Takes over, or tells, what is known of the progress to or from other processes.
  void RefreshProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mutex);
  void PublishProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mutex);

  // Log bytes of frames (from, to].
  uint64_t BytesOf(uint64_t frames) const {
    return frames * (segment::kRecordHeaderSize + static_cast<uint64_t>(identity.page_size));
  }
};

// Reads a committed frame of the log into `page`.
absl::StatusOr<segment::FrameHeader> ReadLogFrame(const LogFiles::List& files,
                                                  segment::FrameNo frame, io::MutableBytes page);

}  // namespace strata::wal
