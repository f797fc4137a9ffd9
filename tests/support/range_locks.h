#pragma once

#include <vector>

#include "io/file.h"

namespace strata::support {

// The open file description locks of one file, as fcntl(2) has them. Callers order themselves.
class RangeLocks {
 public:
  bool TryLock(const void* owner, const io::LockRange& range, io::LockKind kind);
  void Unlock(const void* owner, const io::LockRange& range);
  // Whether somebody but `owner` holds a lock that one of `kind` cannot stand beside.
  bool Conflicts(const void* owner, const io::LockRange& range, io::LockKind kind) const;

 private:
  struct Lock {
    const void* owner;
    uint64_t first;
    uint64_t end;  // behind the last byte
    io::LockKind kind;
  };
  std::vector<Lock> locks_;
};

}  // namespace strata::support
