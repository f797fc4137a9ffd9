#pragma once

#include <cstdint>

namespace strata::sqlite {

// SQLite's test suite makes the n-th sqlite3_malloc() fail, for every n. In a build for it
// (STRATA_FILES_OVER_VFS) operator new asks sqlite3_malloc() first whether it may, so that Strata's
// allocations are among them: those of a thread that is inside a method of the engine's table, and
// not those of its background threads, which would make n mean something else in each run. The
// memory itself is malloc()'s: it may outlive sqlite3_shutdown() and is not counted as SQLite's.
// docs/decisions/0013.
#ifdef STRATA_FILES_OVER_VFS
class InsideEngine {
 public:
  InsideEngine() { ++depth_; }
  ~InsideEngine() { --depth_; }
  InsideEngine(const InsideEngine&) = delete;
  InsideEngine& operator=(const InsideEngine&) = delete;
  static bool any() { return depth_ > 0; }

 private:
  static thread_local int depth_;
};

// One more answer of a VFS to Strata's own files; `failed`: an injected error.
void CountFileCall(bool failed);

// Around calls of a VFS for a log file. The suite's VFS runs scripts in them, which may ask for a
// checkpoint, in the middle of what Strata does to its log; elsewhere nobody is called there.
class InsideLogFile {
 public:
  InsideLogFile() { ++depth_; }
  ~InsideLogFile() { --depth_; }
  InsideLogFile(const InsideLogFile&) = delete;
  InsideLogFile& operator=(const InsideLogFile&) = delete;
  static bool any() { return depth_ > 0; }

 private:
  static thread_local int depth_;
};

// SQLite's test suite counts the files that are open, and expects those that SQLite has: the log in
// use and the database of each connection. `handles` more of them (or fewer) are Strata's own.
void NoteOwnHandles(int handles);
#else
class InsideEngine {
 public:
  InsideEngine() {}
};

class InsideLogFile {
 public:
  InsideLogFile() {}
  static bool any() { return false; }
};

inline void CountFileCall(bool) {}
inline void NoteOwnHandles(int) {}
#endif

}  // namespace strata::sqlite
