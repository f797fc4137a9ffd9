#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "io/file.h"
#include "io/mutex.h"
#include "segment/frame.h"
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
  LogState(const Environment& environment, const Options& options, std::string directory)
      : environment(environment),
        options(options),
        directory(std::move(directory)),
        write_lock(environment.clock, options.barge_us) {}

  const Environment environment;
  const Options options;
  const std::string directory;  // "app.db-wal"
  io::Ownership ownership;      // of the database file

  // Set before the first frame is appended, by the holder of the write lock; then only its epoch
  // changes, when the shipper claims it (under `maintenance`).
  Identity identity;

  WriteLock write_lock;
  io::Mutex maintenance;  // one checkpoint, seal or clean-up at a time
  io::Mutex append_mutex;

  ReaderRegistry readers;
  LogFiles files;
  std::unique_ptr<FrameIndex> index;  // changed under append_mutex
  std::unique_ptr<CommitQueue> commits;
  Progress progress ABSL_GUARDED_BY(append_mutex);
  uint64_t next_sequence ABSL_GUARDED_BY(append_mutex) = 1;
  std::shared_ptr<CurrentSegment> current
      ABSL_GUARDED_BY(append_mutex);  // nullptr before the first frame
  std::shared_ptr<CurrentSegment> spare ABSL_GUARDED_BY(append_mutex);  // the next one, or nullptr

  std::atomic<bool> spare_wanted{false};  // a commit asks the background for it

  // Whether no other process has this log open, and none may open it while the maintenance lock is
  // held: only then may a file that is read no more be written over.
  bool AloneInLog() const { return true; }

  // For the background: when the last commit was appended, and the first one that is not synced or
  // sealed yet (monotonic microseconds; 0: none).
  std::atomic<int64_t> last_commit_us{0};
  std::atomic<int64_t> unsynced_since_us{0};
  std::atomic<int64_t> unsealed_since_us{0};

  // Log bytes of frames (from, to].
  uint64_t BytesOf(uint64_t frames) const {
    return frames * (segment::kRecordHeaderSize + static_cast<uint64_t>(identity.page_size));
  }
};

// Reads a committed frame of the log into `page`.
absl::StatusOr<segment::FrameHeader> ReadLogFrame(const LogFiles::List& files,
                                                  segment::FrameNo frame, io::MutableBytes page);

}  // namespace strata::wal
