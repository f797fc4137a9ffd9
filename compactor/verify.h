#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/file.h"
#include "io/object_store.h"
#include "io/random.h"

namespace strata::compactor {

enum class VerifyDepth {
  kQuick,  // names, claims, headers, footers, commit tables; gaps; commits that segments disagree
           // about
  kRestoreTest,  // also the latest state: restored as a user would restore it, its digest, and
                 // SQLite's integrity_check
  kFull,         // also every byte, and the digest after every commit
};

struct VerifyOptions {
  VerifyDepth depth = VerifyDepth::kQuick;
  std::string scratch_directory;  // for the restored database, which is removed again
  std::function<void(uint64_t done, uint64_t total)> progress;  // bytes; may be empty
};

struct VerifyFinding {
  std::string object;  // or the namespace, when it is about no single one
  std::string message;
};

struct VerifyReport {
  std::vector<VerifyFinding> findings;  // empty: all is well
  std::vector<VerifyFinding> notes;     // worth knowing, but no fault
  uint64_t objects = 0;
  uint64_t bytes = 0;  // of the objects
  uint64_t segments = 0;
  uint64_t commits = 0;            // distinct ones
  uint64_t digests_checked = 0;    // recomputed and compared
  bool integrity_checked = false;  // SQLite was asked
};

// Examines everything a namespace has in a store. Damage is a finding that names the object, never
// an error; an error means that the store or the scratch directory could not be used. NotFound: no
// such namespace.
absl::StatusOr<VerifyReport> Verify(io::ObjectStore* store, io::FileSystem* file_system,
                                    io::Random* random, absl::string_view ns,
                                    const VerifyOptions& options);

}  // namespace strata::compactor
