#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tests/crash/database_state.h"
#include "wal/options.h"

namespace strata::crash {

// What a workload did and was promised, by the number of operations its disk had seen at the time.
// Commits are in the order of the history; those that a later re-open did not find are marked as
// gone.
class Trace {
 public:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  struct Commit {
    DatabaseState state;
    uint64_t frame = 0;
    uint64_t begun_at = 0;  // operations before the call that ended it
    uint64_t gone_at = kNever;
    std::string what;
  };

  enum class Promise {
    kProcess,  // survives the process
    kPower,    // survives the machine
  };

  // The state that the disk's record starts from.
  explicit Trace(const DatabaseState& initial, uint64_t frame);

  size_t Append(Commit commit);
  void Promised(Promise promise, size_t commit, uint64_t operations);
  // A commit whose committer got an error is in the log all the same.
  void AtFrame(size_t commit, uint64_t frame);
  // A re-open ended at `operations` and found `found`: later commits have never been.
  void Found(size_t found, uint64_t operations);

  // Promises on every commit at or below `frame`.
  void PromisedUpToFrame(Promise promise, uint64_t frame, uint64_t operations);

  // A close ended here and left no log directory.
  void Closed(uint64_t operations) { closed_.push_back(operations); }
  bool WasClosed(uint64_t operations) const;

  const std::vector<Commit>& commits() const { return commits_; }
  const Commit& last() const { return commits_[LastAlive()]; }
  size_t LastAlive() const;

  // The oldest commit that a crash after `operations` may leave.
  size_t Oldest(Promise promise, uint64_t operations) const;

  // The commit with that digest if a crash after `operations` may leave it, else what is wrong. Of
  // several the one at `frame`: a commit that changes nothing has the digest of the one before.
  struct Verdict {
    std::optional<size_t> commit;
    std::string violation;  // empty: none
  };
  Verdict Judge(uint64_t digest, uint64_t frame, Promise promise, uint64_t operations) const;

  // A new record that starts at `commit`, and remembers what was before.
  Trace After(size_t commit) const;

  // Digest of the commit at a frame, in earlier records too; nullopt: no commit ends there.
  std::optional<uint64_t> DigestAt(uint64_t frame) const;

 private:
  struct Kept {
    uint64_t operations;
    size_t commit;
  };
  std::vector<Kept>& Of(Promise promise) { return promise == Promise::kPower ? power_ : process_; }
  bool IsPossible(size_t commit, uint64_t operations) const;

  std::vector<Commit> commits_;
  absl::flat_hash_map<uint64_t, std::vector<size_t>> by_digest_;
  std::vector<Kept> process_;  // ascending in both
  std::vector<Kept> power_;
  std::vector<uint64_t> closed_;
  absl::flat_hash_map<uint64_t, uint64_t> earlier_;  // digest by frame
};

}  // namespace strata::crash
