#pragma once

#include <cstdint>
#include <string>

#include "io/clock.h"
#include "io/file.h"
#include "io/log.h"
#include "io/object_store.h"
#include "io/random.h"

namespace strata::wal {

// What a commit waits for before it returns (SQLite's PRAGMA synchronous).
enum class Durability : uint8_t {
  kOff,     // nothing, and nothing is ever synced for it
  kNormal,  // nothing; synced within Options::unsynced_us and unsynced_bytes
  kFull,    // its sync (FULL and EXTRA)
};

// Settings of one log; docs/settings.md is the table for users.
struct Options {
  uint64_t segment_bytes = 64ull << 20;  // a log file is closed at the first commit beyond this,
  uint64_t reuse_bytes = 4ull << 20;     // or this, while files can be used again
  uint64_t seal_bytes = 16ull << 20;  // with a store: a segment is sealed and shipped at this size,
  int64_t seal_after_us = 1'000'000;  // or this long after its first commit
  uint32_t longest_chain = 16;        // deltas on one keyframe in a sealed segment; 0: none
  uint64_t dictionary_frames =
      2'000;  // keyframes, or pages of a base image, that train a dictionary; 0: none
  uint64_t unsynced_bytes =
      16ull << 20;                  // NORMAL: bytes beyond which a writer syncs before going on,
  int64_t unsynced_us = 1'000'000;  // and time within which a background sync follows
  int64_t quiet_us = 100'000;       // a mark record follows the last commit after this long
  uint64_t checkpoint_bytes =
      4ull << 20;          // log beyond the checkpoint at which the background one starts
  uint64_t log_bytes = 0;  // log beyond the checkpoint at which commits fail with SQLITE_FULL, if
                           // a checkpoint does not help; 0: no limit
  uint64_t backlog_bytes =
      8ull << 30;  // with a store: unshipped log at which commits fail with SQLITE_FULL
  int64_t close_ship_us = 5'000'000;  // how long closing ships; then what is under way is given up
  int64_t idle_owner_us = 2'000'000;  // even without a timeout, a writer waits this long for
                                      // another process that owns the log and does not write
  bool commits_wait_for_store = false;  // a commit returns when the store has it
  bool takeover = false;                // claim the namespace from whoever has it
  bool commits_when_fenced = false;     // a writer that was replaced goes on, unshipped
  int64_t barge_us = 5'000;             // a writer that waited longer is handed the write lock
  bool pad_blocks = false;  // no power-safe overwrite: sync groups end on 4 KiB boundaries
  bool accept_loss =
      false;  // strata recover --accept-loss: damage ends the log instead of refusing it
  bool without_store = false;  // strata recover --leave-store: the store misses what it has not
                               // got; the database's next history there is a new one
  bool background = true;      // false: tests call Log::RunMaintenance themselves
};

// The world a log lives in; all of it outlives the log.
struct Environment {
  io::FileSystem* files = nullptr;
  io::Clock* clock = nullptr;
  io::Random* random = nullptr;
  io::Logger* logger = &io::SilentLogger();
};

}  // namespace strata::wal
