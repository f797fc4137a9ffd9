#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"

namespace strata::support {

// Which calls of a disk count, as a set of bits.
using CallSet = uint32_t;
constexpr CallSet kReadCall = 1 << 0;
constexpr CallSet kWriteCall = 1 << 1;
constexpr CallSet kSyncCall = 1 << 2;
constexpr CallSet kTruncateCall = 1 << 3;
constexpr CallSet kOpenCall = 1 << 4;    // an existing file
constexpr CallSet kCreateCall = 1 << 5;  // a new file or directory
constexpr CallSet kRenameCall = 1 << 6;
constexpr CallSet kUnlinkCall = 1 << 7;  // a file or directory
constexpr CallSet kSyncDirectoryCall = 1 << 8;
constexpr CallSet kQueryCall = 1 << 9;  // size, stat, list, network
constexpr CallSet kLockCall = 1 << 10;
constexpr CallSet kAllCalls = (1 << 11) - 1;

// A call that is going to fail. A failing Sync has the meaning of Linux: the bytes that were dirty
// are forgotten, and no later Sync makes them, or anything written into the same 4 KiB blocks,
// durable.
struct InjectedFault {
  uint64_t nth = 0;  // the nth call of `calls` from now, counted from 0
  CallSet calls = kAllCalls;
  absl::Status status = absl::InternalError("injected EIO");
  bool for_ever = false;  // this call and every later one of `calls`
  bool partial = false;   // a write puts its first half on the disk before it fails
};

// Counts calls and says which of them fail. Callers order themselves.
class FaultPlan {
 public:
  void Add(const InjectedFault& fault) { pending_.push_back({fault, 0}); }
  void Clear() { pending_.clear(); }

  // Counts one call; the fault that hits it, if any.
  std::optional<InjectedFault> Next(CallSet call);

  uint64_t calls() const { return calls_; }
  uint64_t fired() const { return fired_; }

 private:
  struct Pending {
    InjectedFault fault;
    uint64_t seen;
  };
  std::vector<Pending> pending_;
  uint64_t calls_ = 0;
  uint64_t fired_ = 0;
};

}  // namespace strata::support
