#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::wal {

// Whether a sync that could start waits a little for commits that are about to come: those who have
// just been woken by the last one are likely to commit again at once, and a sync for the first of
// them has the others wait for a second one. Not safe for threads.
class Gathering {
 public:
  // What one who could start a sync does first.
  struct Pause {
    enum class Kind {
      kNone,       // he starts it
      kYield,      // gives the processor away, again and again
      kSleep,      // sleeps
      kUntilWoken  // sleeps: another one looks after it
    };
    Kind kind = Kind::kNone;
    int64_t microseconds = 0;  // at most
    size_t expected = 0;       // or until so many wait
  };
  // Of one who waits for a commit, from sync to sync.
  struct Watch {
    uint64_t sync = 0;  // that he looks after
    size_t seen = 0;
    int pauses = 0;
    bool yielded = false;
    bool lost_processor = false;  // set by him: a yield took far longer than a commit does
  };

  // A sync of `microseconds` ended that covered `covered` commits; `waiting` others wait for the
  // next one already.
  void NoteSync(int64_t microseconds, size_t covered, size_t waiting);

  // For one who could start the sync of this number for the `waiting` commits. It starts when as
  // many wait as are expected, when nobody came during a pause, or after a quarter of the time that
  // the last one took.
  Pause Before(uint64_t sync, size_t waiting, Watch* watch);

 private:
  Pause First(uint64_t sync, size_t waiting, Watch* watch);

  size_t expected_ = 0;
  int64_t gather_us_ = 0;
  uint64_t watched_ = 0;      // the last sync that somebody looked after
  uint64_t yields_from_ = 0;  // before this sync the processor is wanted by others
};

}  // namespace strata::wal
