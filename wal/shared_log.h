#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "segment/ids.h"
#include "wal/published.h"

// What the processes that have a log open tell each other: the layout of the file "shm" in a log
// directory, mapped by all of them. Layout and rules: docs/processes.md. It is built anew by the
// first process that opens the log and never read by recovery. Zeros are a valid start; all members
// are lock-free atomics, and whoever is killed at any store leaves nothing that others misread.
namespace strata::wal {

// A state of the database: the last commit at some moment.
struct CommitPoint {
  segment::FrameNo frame;
  uint32_t database_pages = 0;
  int64_t time_us = 0;
};

// Where the log ends: behind its last commit, in the file `sequence` at `end_offset`.
struct LogPosition {
  CommitPoint commit;
  uint64_t sequence = 0;  // 0: no file yet
  uint64_t end_offset = 0;
};

// A CommitPoint in shared memory.
class PublishedCommit {
 public:
  void Store(const CommitPoint& commit) {
    words_.Store(
        {commit.frame.value(), commit.database_pages, static_cast<uint64_t>(commit.time_us)});
  }
  CommitPoint Load() const {
    const auto words = words_.Load();
    return {segment::FrameNo(words[0]), static_cast<uint32_t>(words[1]),
            static_cast<int64_t>(words[2])};
  }
  segment::FrameNo frame() const { return segment::FrameNo(words_.Word(0)); }

 private:
  Published<3> words_;
};

class PublishedPosition {
 public:
  void Store(const LogPosition& at) {
    words_.Store({at.commit.frame.value(), at.commit.database_pages,
                  static_cast<uint64_t>(at.commit.time_us), at.sequence, at.end_offset});
  }
  LogPosition Load() const {
    const auto words = words_.Load();
    return {{segment::FrameNo(words[0]), static_cast<uint32_t>(words[1]),
             static_cast<int64_t>(words[2])},
            words[3],
            words[4]};
  }

 private:
  Published<5> words_;
};

// Progress beyond the commit that is checkpointed: sealed frame, digest there, shipped frame.
using PublishedTransfers = Published<3>;

// How far commits have come. Written by the process that owns the write lock.
struct SharedCommits {
  alignas(64) PublishedCommit visible;
  alignas(64) PublishedCommit synced;
  alignas(64) PublishedPosition appended;
  alignas(64) std::atomic<uint32_t> failed;  // a sync failed for good: the log takes no writes
};

// The write lock among processes; the lock itself is a byte of the file "lock".
struct SharedWriteLock {
  alignas(64) std::atomic<uint32_t> owner;     // process slot + 1; 0: it was handed over in order
  std::atomic<uint32_t> in_transaction;        // of the owner
  std::atomic<uint64_t> ownerships;            // so far
  std::atomic<uint32_t> taken;                 // changes with each; its takers are waited for
  alignas(64) std::atomic<uint32_t> wanted;    // somebody waits for it
  alignas(64) std::atomic<uint32_t> released;  // changes when it is handed over
};

// Of one connection; belongs to the process that set `process`.
struct alignas(64) SharedReader {
  std::atomic<uint64_t> snapshot;  // frame + 1; 0: reads nothing
  std::atomic<uint64_t> started;   // `generation` when it began; 1 when it keeps the log; 0: none
  std::atomic<uint32_t> process;   // process slot + 1; 0: free
};

struct SharedReaders {
  alignas(64) std::atomic<uint64_t> checkpoint_limit;  // announced: no reader below it may begin
  std::atomic<uint64_t> checkpoint_granted;            // no checkpoint has gone further
  std::atomic<uint64_t> generation;                    // order of read transactions
  std::atomic<uint32_t> high_water;                    // slots from here on were never used
  std::atomic<uint64_t> emptied;  // `generation` when everything in the log was checkpointed last
};

// A process that has the log open holds byte kProcessByte + slot of the file "lock".
struct SharedProcess {
  std::atomic<uint32_t> pid;   // for messages; 0: the slot is free
  std::atomic<uint32_t> bell;  // changes when the process shall look what there is to do
};

constexpr uint32_t kMaxProcesses = 1024;
constexpr uint32_t kMaxReaders = 65536;

struct SharedLog {
  static constexpr uint64_t kMagic = 0x316d687361727453;  // "Strashm1" in memory

  std::atomic<uint64_t> magic;  // written last
  std::atomic<uint32_t> layout_version;
  std::atomic<uint32_t> attached;           // processes, those included that were killed unnoticed
  std::atomic<uint64_t> next_sequence;      // of a new log file
  std::atomic<uint64_t> removed_below;      // log files with lower sequence numbers are gone
  std::atomic<uint32_t> has_identity;       // changes when the file "identity" does; 0: none yet
  std::atomic<uint32_t> owes_syncs;         // some commit was more than synchronous=OFF
  std::atomic<uint32_t> database_unsynced;  // a checkpoint wrote without a sync
  std::atomic<uint32_t> database_failed;  // a sync of the database file failed: no more checkpoints
  std::atomic<uint64_t> counts_from;      // frame at which Log::counts() starts
  std::atomic<uint64_t> recovered_end;    // last frame that the first process found in the log
  SharedCommits commits;
  alignas(64) PublishedCommit checkpointed;
  alignas(64) PublishedTransfers transfers;
  SharedWriteLock write_lock;
  SharedReaders readers;
  alignas(64) std::atomic<uint64_t> size_limit;  // of the log at rest: bytes + 1; 0: none
  alignas(4096) SharedProcess processes[kMaxProcesses];
  alignas(4096) SharedReader reader_slots[kMaxReaders];
};

constexpr uint32_t kSharedLayoutVersion = 3;

static_assert(std::atomic<uint64_t>::is_always_lock_free);
// As docs/processes.md has it; what changes here is another layout version.
static_assert(offsetof(SharedLog, counts_from) == 48 && offsetof(SharedLog, recovered_end) == 56);
static_assert(offsetof(SharedReaders, emptied) == 32);
static_assert(offsetof(SharedLog, commits) == 64 && offsetof(SharedCommits, failed) == 256);
static_assert(offsetof(SharedLog, checkpointed) == 384 && offsetof(SharedLog, transfers) == 448);
static_assert(offsetof(SharedLog, write_lock) == 512 && offsetof(SharedLog, readers) == 704);
static_assert(offsetof(SharedLog, size_limit) == 768);
static_assert(offsetof(SharedLog, processes) == 4096 && offsetof(SharedLog, reader_slots) == 12288);
static_assert(sizeof(SharedProcess) == 8 && sizeof(SharedReader) == 64);

}  // namespace strata::wal
